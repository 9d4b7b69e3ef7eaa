// Package standin holds the programs that clients of the cluster look for
// beside the commands: pacemaker-based, pacemaker-controld, pacemaker-fenced and
// pacemaker-schedulerd, as far as clients call them. They tell the version and the
// cluster options; the daemon itself is "quorate run".
package standin

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/result"
	"github.com/quorate/quorate/pkg/version"
)

// Compatible is the version of Pacemaker whose interfaces clients find here.
const Compatible = "2.1.5"

// table holds one option a line: the program that uses it, its name, type and
// default ("-" is none), for a select its values, and a sentence.
//
//go:embed options.txt
var table string

// titles say what the options of each program are about.
var titles = map[string]string{
	"based":      "Options of the configuration",
	"controld":   "Options of the cluster's control",
	"fenced":     "Parameters that all fencing devices have",
	"schedulerd": "Options of the policy engine",
}

// New returns the constructor of the stand-in "pacemaker-" and a name.
func New(name string) func(env *cli.Env) *cobra.Command {
	return func(env *cli.Env) *cobra.Command {
		full := "pacemaker-" + name
		c := &cobra.Command{
			Use:   full + " metadata | version",
			Short: "the options of the cluster that clients ask " + full + " for, and the version",
			Args:  cobra.MaximumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				ver, _ := cmd.Flags().GetBool("version")
				switch {
				case ver || len(args) == 1 && args[0] == "version":
					fmt.Fprintf(env.Stdout, "CRM Version: %s (quorate %s)\n", Compatible, version.Version)
					return nil
				case len(args) == 1 && args[0] == "metadata":
					fmt.Fprintln(env.Stdout, `<?xml version="1.0"?>`)
					_, err := env.Stdout.Write(cib.Print(MetaData(name)))
					return err
				}
				return cli.Exitf(cli.ExitUsage, "%s: metadata or version is expected; the daemon of the cluster is \"quorate run\"", full)
			},
		}
		c.Flags().BoolP("version", "$", false, "print the version")
		return c
	}
}

// MetaData returns what a program says of its options, as a resource agent does.
func MetaData(name string) *cib.Element {
	text := func(tag, s string) *cib.Element { return result.Texts(tag, s).WithAttr("lang", "en") }
	params := cib.New("parameters")
	for line := range strings.Lines(table) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 5)
		if len(f) < 5 || f[0] != name {
			continue
		}
		option, kind, def, words := f[1], f[2], f[3], f[4]
		content := cib.New("content", "type", kind)
		if def != "-" {
			content = content.WithAttr("default", def)
		} else if name == "fenced" {
			content = content.WithAttr("default", "")
		}
		long := words
		if kind == "select" {
			values, rest, _ := strings.Cut(words, " ")
			words, long = rest, rest+"  Allowed values: "+strings.ReplaceAll(values, ",", ", ")
			for v := range strings.SplitSeq(values, ",") {
				content = content.WithChild(cib.New("option", "value", v))
			}
		}
		params = params.WithChild(cib.New("parameter", "name", option).WithChildren(text("longdesc", long), text("shortdesc", words), content))
	}
	return cib.New("resource-agent", "name", "pacemaker-"+name, "version", Compatible).WithChildren(
		result.Texts("version", "1.1"), text("longdesc", titles[name]), text("shortdesc", titles[name]), params)
}
