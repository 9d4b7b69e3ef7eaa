package daemon

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/quorate/quorate/pkg/cli"
)

// NewRemoteCommand returns "quorate remote".
func NewRemoteCommand(env *cli.Env) *cobra.Command {
	conf, state := DefaultConfigDir, DefaultStateDir
	c := &cobra.Command{
		Use:   "remote passwd NAME | remove NAME | fingerprint",
		Short: "who may use the CIB over the network",
		Long: `remote prepares a node for commands that come over the network.

  passwd NAME    gives a user a password, read from standard input
  remove NAME    takes the user away
  fingerprint    prints the fingerprint of this node's certificate

The port is opened by the attribute remote-tls-port of the CIB:
cibadmin --modify -X '<cib remote-tls-port="5561"/>'; without it nobody comes.
Elsewhere the commands work with CIB_server, CIB_port, CIB_user, CIB_passwd and
CIB_fingerprint in the environment.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case args[0] == "fingerprint" && len(args) == 1:
				_, print, err := remoteCertificate(state)
				if err != nil {
					return cli.Exitf(cli.ExitIOErr, "%w", err)
				}
				fmt.Fprintln(env.Stdout, print)
				return nil
			case args[0] == "remove" && len(args) == 2:
				return usable(SetRemoteUser(conf, args[1], ""))
			case args[0] == "passwd" && len(args) == 2:
				password, err := readPassword(env)
				if err != nil {
					return err
				}
				return usable(SetRemoteUser(conf, args[1], password))
			}
			return cli.Exitf(cli.ExitUsage, "remote: passwd NAME, remove NAME or fingerprint is expected")
		},
	}
	c.Flags().StringVar(&conf, "config-dir", conf, "directory of ha.cf and "+RemoteUsersFile)
	c.Flags().StringVar(&state, "state-dir", state, "directory of the certificate")
	return c
}

func usable(err error) error {
	if err != nil {
		return cli.Exitf(cli.ExitCantCreate, "remote: %w", err)
	}
	return nil
}

// readPassword reads a line, without showing it on a terminal.
func readPassword(env *cli.Env) (string, error) {
	var line string
	if f, ok := env.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(env.Stderr, "Password: ")
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(env.Stderr)
		if err != nil {
			return "", cli.Exitf(cli.ExitNoInput, "remote: %w", err)
		}
		line = string(b)
	} else if s, err := bufio.NewReader(env.Stdin).ReadString('\n'); err != nil && err != io.EOF {
		return "", cli.Exitf(cli.ExitNoInput, "remote: %w", err)
	} else {
		line = strings.TrimRight(s, "\r\n")
	}
	if line == "" {
		return "", cli.Exitf(cli.ExitUsage, "remote: the password is empty; nothing is changed")
	}
	return line, nil
}
