package resource

import (
	"github.com/quorate/quorate/pkg/cli/tool"
)

// exitUnimplemented is the code for what cannot be done with a resource.
const exitUnimplemented = 3

func plain(code int) error                            { return tool.Plain(code) }
func usage(format string, a ...any) error             { return tool.Usage(format, a...) }
func failedf(code int, format string, a ...any) error { return tool.Failed(code, format, a...) }
