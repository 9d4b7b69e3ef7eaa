// Package result writes the outcome of a command as the XML document that
// Pacemaker's tools print with --output-as=xml, by its schema api-result.
package result

import (
	"io"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
)

// Version is the version of the schema that the documents follow.
const Version = "2.25"

// messages are the words for exit codes, as crm_error prints them.
var messages = map[int]string{
	cli.ExitOK: "OK", cli.ExitError: "Error occurred", cli.ExitUsage: "Incorrect usage", cli.ExitDataErr: "Invalid data given",
	cli.ExitNoInput: "Input file not available", cli.ExitNoHost: "Host does not exist", cli.ExitUnavailable: "Necessary service unavailable",
	cli.ExitSoftware: "Internal software bug", cli.ExitCantCreate: "Cannot create output file", cli.ExitIOErr: "I/O error occurred",
	cli.ExitNoPerm: "Insufficient privileges", cli.ExitConfig: "Invalid configuration",
	cli.ExitFatal: "Fatal error occurred, will not respawn", cli.ExitDisconnect: "Not connected",
	cli.ExitOld: "Update was older than existing configuration", cli.ExitNoSuchObject: "No such object",
	cli.ExitQuorum: "Operation not safe", cli.ExitExists: "Requested item already exists", cli.ExitTimeout: "Timeout occurred",
}

// Message returns the words for an exit code, "" for one that is not known.
func Message(code int) string { return messages[code] }

// Write prints the document: what was asked (the command line), what there is
// to tell, and the status with the exit code of the error; nil is success. A
// failed command tells nothing but its error.
func Write(w io.Writer, request string, body []*cib.Element, err error) error {
	code := cli.ExitCode(err)
	status := cib.New("status", "code", strconv.Itoa(code), "message", Message(code))
	if err != nil {
		body = nil
		list := cib.New("errors")
		for line := range strings.Lines(err.Error()) {
			text := &cib.Element{Name: cib.TextName, Text: "error: " + strings.TrimSuffix(line, "\n")}
			list = list.WithChild(cib.New("error").WithChild(text))
		}
		status = status.WithChild(list)
	}
	root := cib.New("pacemaker-result", "api-version", Version, "request", request)
	root.Children = append(append(root.Children, body...), status)
	_, werr := root.WriteTo(w)
	return werr
}
