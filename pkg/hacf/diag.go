package hacf

import "github.com/quorate/quorate/pkg/diag"

// Diagnostic is one remark about ha.cf: see package diag.
type Diagnostic = diag.Diagnostic

// Severities of a Diagnostic.
const (
	Info    = diag.Info
	Warning = diag.Warning
	Error   = diag.Error
)
