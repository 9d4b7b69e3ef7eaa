// Package pages makes, from the commands themselves, what their users install
// beside them: completion for shells, and man pages.
package pages

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/version"
)

// Commands are the constructors of all commands by name.
type Commands map[string]func(*cli.Env) *cobra.Command

// NewCompletion returns the command "quorate completion".
func NewCompletion(env *cli.Env, all Commands) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "print what completes the options of all commands in a shell",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, name := range slices.Sorted(maps.Keys(all)) {
				c := all[name](env)
				c.Use = name
				if err := Completion(env.Stdout, c, args[0]); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// Completion writes what completes the options of one command in a shell: bash,
// zsh or fish.
func Completion(w io.Writer, c *cobra.Command, shell string) error {
	var long, both []string
	var fish bytes.Buffer
	c.InitDefaultHelpFlag()
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		long = append(long, "--"+f.Name)
		if f.Shorthand != "" {
			long = append(long, "-"+f.Shorthand)
		}
		_, usage := pflag.UnquoteUsage(f)
		usage = strings.NewReplacer("'", "", "[", "(", "]", ")", ":", " -", "\n", " ").Replace(usage)
		arg := ""
		if f.NoOptDefVal == "" {
			arg = ":value:_files"
			fmt.Fprintf(&fish, "complete -c %s -l %s%s -r -d '%s'\n", c.Name(), f.Name, fishShort(f), usage)
		} else {
			fmt.Fprintf(&fish, "complete -c %s -l %s%s -d '%s'\n", c.Name(), f.Name, fishShort(f), usage)
		}
		both = append(both, fmt.Sprintf("'--%s[%s]%s'", f.Name, usage, arg))
	})
	switch shell {
	case "bash":
		fmt.Fprintf(w, "complete -o default -W '%s' %s\n", strings.Join(long, " "), c.Name())
	case "zsh":
		fn := "_quorate_" + strings.ReplaceAll(c.Name(), "-", "_")
		fmt.Fprintf(w, "%s() {\n  _arguments \\\n    %s\n}\ncompdef %s %s\n", fn, strings.Join(both, " \\\n    "), fn, c.Name())
	case "fish":
		_, err := fish.WriteTo(w)
		return err
	default:
		return cli.Exitf(cli.ExitUsage, "completion: %q is none of bash, zsh and fish", shell)
	}
	return nil
}

func fishShort(f *pflag.Flag) string {
	if f.Shorthand == "" {
		return ""
	}
	return " -s '" + f.Shorthand + "'"
}

// NewMan returns the command "quorate man".
func NewMan(env *cli.Env, all Commands) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIRECTORY",
		Short: "write the man pages of all commands into a directory",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return cli.Exitf(cli.ExitCantCreate, "man: %w", err)
			}
			for _, name := range slices.Sorted(maps.Keys(all)) {
				c := all[name](env)
				var page bytes.Buffer
				Man(&page, name, c)
				if err := os.WriteFile(filepath.Join(args[0], name+".8"), page.Bytes(), 0o644); err != nil {
					return cli.Exitf(cli.ExitCantCreate, "man: %w", err)
				}
			}
			return nil
		},
	}
}

// Man writes the man page of a command.
func Man(w io.Writer, name string, c *cobra.Command) {
	esc := strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace
	line := func(s string) string {
		if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
			return `\&` + esc(s)
		}
		return esc(s)
	}
	fmt.Fprintf(w, ".TH %s 8 \"\" \"Quorate %s\" \"Cluster administration\"\n.SH NAME\n%s \\- %s\n", strings.ToUpper(esc(name)), esc(version.Version), esc(name), esc(c.Short))
	fmt.Fprintf(w, ".SH SYNOPSIS\n.B %s\n", esc(c.UseLine()))
	if c.Long != "" {
		fmt.Fprintf(w, ".SH DESCRIPTION\n.nf\n")
		for l := range strings.Lines(c.Long) {
			fmt.Fprintf(w, "%s\n", line(strings.TrimRight(l, "\n")))
		}
		fmt.Fprintf(w, ".fi\n")
	}
	if c.Example != "" {
		fmt.Fprintf(w, ".SH EXAMPLES\n.nf\n%s\n.fi\n", line(c.Example))
	}
	c.InitDefaultHelpFlag()
	titled := false
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		if !titled {
			titled = true
			fmt.Fprintf(w, ".SH OPTIONS\n")
		}
		arg, usage := pflag.UnquoteUsage(f)
		opt := "--" + f.Name
		if f.Shorthand != "" {
			opt = "-" + f.Shorthand + ", " + opt
		}
		if arg != "" {
			opt += " " + arg
		}
		fmt.Fprintf(w, ".TP\n.B %s\n%s\n", esc(opt), line(usage))
	})
	fmt.Fprintf(w, ".SH ENVIRONMENT\n.TP\n.B CIB_file\nwork on this file instead of the running cluster\n.TP\n.B CIB_shadow\nwork on this copy of the configuration (see crm_shadow)\n.TP\n.B HA_RUNDIR\nrun directory of the daemon\n")
}
