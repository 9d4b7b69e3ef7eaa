package simulate

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/result"
)

// output is where the text goes: standard output or a file.
type output struct {
	w    *bytes.Buffer
	dest io.Writer
	file *os.File
	name string
	json bool // what is collected is XML, and is written as JSON
}

// structured tells that the result is a document, not text.
func (o *options) structured() bool { return o.outputAs == "xml" || o.outputAs == "json" }

func (o *options) output() (*output, error) {
	switch o.outputAs {
	case "", "text":
	case "xml", "json":
	default:
		return nil, cli.Exitf(cli.ExitNoSuchObject, "%s: --output-as=%s: there is no such format: use text, xml or json", o.name, o.outputAs)
	}
	out := &output{w: &bytes.Buffer{}, dest: o.env.Stdout, name: o.name, json: o.outputAs == "json"}
	if o.outputTo != "" && o.outputTo != "-" {
		f, err := os.Create(o.outputTo)
		if err != nil {
			return nil, &cli.Exit{Code: cli.ExitCantCreate, Err: fmt.Errorf("%s: %w", o.name, err)}
		}
		out.dest, out.file = f, f
	}
	return out, nil
}

// close writes what was collected and returns the first error.
func (out *output) close(err error) error {
	werr := out.write()
	if out.file != nil {
		if cerr := out.file.Close(); werr == nil {
			werr = cerr
		}
	}
	if err == nil && werr != nil {
		err = &cli.Exit{Code: cli.ExitIOErr, Err: fmt.Errorf("%s: %w", out.name, werr)}
	}
	return err
}

// write writes what was collected, as JSON if that is asked for.
func (out *output) write() error {
	if !out.json || out.w.Len() == 0 {
		_, err := out.dest.Write(out.w.Bytes())
		return err
	}
	root, err := cib.ParseText(out.w.String(), "result")
	if err != nil {
		return err
	}
	return result.JSON(out.dest, root)
}

// plain takes the headings and bullets out of the text, and the names of the
// lists of nodes: the form that scores are shown in.
func plain(fancy []byte) []byte {
	var b bytes.Buffer
	for _, line := range strings.SplitAfter(string(fancy), "\n") {
		item, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "* ")
		switch {
		case !ok && strings.HasSuffix(line, ":\n") && line[0] != ' ':
			continue // heading of a section
		case !ok:
			b.WriteString(line)
			continue
		case strings.HasSuffix(item, ":\n") && !strings.Contains(item, " capacity:") && !strings.Contains(item, " utilization on "):
			continue // heading of a list
		}
		for _, p := range []string{"Online: [", "OFFLINE: [", "RemoteOnline: [", "RemoteOFFLINE: [", "GuestOnline: ["} {
			if strings.HasPrefix(item, p) {
				item = item[len(p)-1:]
			}
		}
		b.WriteString(item)
	}
	return b.Bytes()
}

// save writes a file of the user's; "" is no file.
func (o *options) save(name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	if name == "-" {
		return write(o.env.Stdout)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return &cli.Exit{Code: cli.ExitCantCreate, Err: fmt.Errorf("%s: %w", o.name, err)}
	}
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return &cli.Exit{Code: cli.ExitIOErr, Err: fmt.Errorf("%s: %s: %w", o.name, name, err)}
	}
	return nil
}
