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

// Code is an exit code and its name in programs.
type Code struct {
	Code int
	Name string
}

// codes are the exit codes in order, with the words that crm_error --exit prints.
var codes = []struct {
	Code
	words string
}{
	{Code{0, "CRM_EX_OK"}, "OK"},
	{Code{1, "CRM_EX_ERROR"}, "Error occurred"},
	{Code{2, "CRM_EX_INVALID_PARAM"}, "Invalid parameter"},
	{Code{3, "CRM_EX_UNIMPLEMENT_FEATURE"}, "Unimplemented"},
	{Code{4, "CRM_EX_INSUFFICIENT_PRIV"}, "Insufficient privileges"},
	{Code{5, "CRM_EX_NOT_INSTALLED"}, "Not installed"},
	{Code{6, "CRM_EX_NOT_CONFIGURED"}, "Not configured"},
	{Code{7, "CRM_EX_NOT_RUNNING"}, "Not running"},
	{Code{8, "CRM_EX_PROMOTED"}, "Promoted"},
	{Code{9, "CRM_EX_FAILED_PROMOTED"}, "Failed in promoted role"},
	{Code{64, "CRM_EX_USAGE"}, "Incorrect usage"},
	{Code{65, "CRM_EX_DATAERR"}, "Invalid data given"},
	{Code{66, "CRM_EX_NOINPUT"}, "Input file not available"},
	{Code{67, "CRM_EX_NOUSER"}, "User does not exist"},
	{Code{68, "CRM_EX_NOHOST"}, "Host does not exist"},
	{Code{69, "CRM_EX_UNAVAILABLE"}, "Necessary service unavailable"},
	{Code{70, "CRM_EX_SOFTWARE"}, "Internal software bug"},
	{Code{71, "CRM_EX_OSERR"}, "Operating system error occurred"},
	{Code{72, "CRM_EX_OSFILE"}, "System file not available"},
	{Code{73, "CRM_EX_CANTCREAT"}, "Cannot create output file"},
	{Code{74, "CRM_EX_IOERR"}, "I/O error occurred"},
	{Code{75, "CRM_EX_TEMPFAIL"}, "Temporary failure, try again"},
	{Code{76, "CRM_EX_PROTOCOL"}, "Protocol violated"},
	{Code{77, "CRM_EX_NOPERM"}, "Insufficient privileges"},
	{Code{78, "CRM_EX_CONFIG"}, "Invalid configuration"},
	{Code{100, "CRM_EX_FATAL"}, "Fatal error occurred, will not respawn"},
	{Code{101, "CRM_EX_PANIC"}, "System panic required"},
	{Code{102, "CRM_EX_DISCONNECT"}, "Not connected"},
	{Code{103, "CRM_EX_OLD"}, "Update was older than existing configuration"},
	{Code{104, "CRM_EX_DIGEST"}, "Digest mismatch"},
	{Code{105, "CRM_EX_NOSUCH"}, "No such object"},
	{Code{106, "CRM_EX_QUORUM"}, "Quorum required"},
	{Code{107, "CRM_EX_UNSAFE"}, "Operation not safe"},
	{Code{108, "CRM_EX_EXISTS"}, "Requested item already exists"},
	{Code{109, "CRM_EX_MULTIPLE"}, "Multiple items match request"},
	{Code{110, "CRM_EX_EXPIRED"}, "Requested item has expired"},
	{Code{111, "CRM_EX_NOT_YET_IN_EFFECT"}, "Requested item is not yet in effect"},
	{Code{112, "CRM_EX_INDETERMINATE"}, "Could not determine status"},
	{Code{113, "CRM_EX_UNSATISFIED"}, "Not applicable under current conditions"},
	{Code{124, "CRM_EX_TIMEOUT"}, "Timeout occurred"},
	{Code{190, "CRM_EX_DEGRADED"}, "Service is active but might fail soon"},
	{Code{191, "CRM_EX_DEGRADED_PROMOTED"}, "Service is promoted but might fail soon"},
	{Code{193, "CRM_EX_NONE"}, "No exit status available"},
}

// Codes returns all exit codes in order.
func Codes() []Code {
	out := make([]Code, len(codes))
	for i, c := range codes {
		out[i] = c.Code
	}
	return out
}

// Message returns the words for an exit code, "" for one that is not known.
func Message(code int) string {
	for _, c := range codes {
		if c.Code.Code == code {
			return c.words
		}
	}
	return ""
}

// WriteAs is Write in one of the formats "xml" and "json".
func WriteAs(w io.Writer, format, request string, body []*cib.Element, err error) error {
	if format != "json" {
		return Write(w, request, body, err)
	}
	var b strings.Builder
	if err := Write(&b, request, body, err); err != nil {
		return err
	}
	root, perr := cib.ParseText(b.String(), "result")
	if perr != nil {
		return perr
	}
	return JSON(w, root)
}

// Write prints the document: what was asked (the command line), what there is
// to tell, and the status with the exit code of the error; nil is success. A
// failed command tells nothing but its error.
func Write(w io.Writer, request string, body []*cib.Element, err error) error {
	var said []string
	if err != nil {
		body = nil
		for line := range strings.Lines(err.Error()) {
			said = append(said, "error: "+strings.TrimSuffix(line, "\n"))
		}
	}
	_, werr := Document(request, body, cli.ExitCode(err), said).WriteTo(w)
	return werr
}

// Document returns the whole document: what was asked, what there is to tell,
// the exit code, and what was said beside the result.
func Document(request string, body []*cib.Element, code int, said []string) *cib.Element {
	status := cib.New("status", "code", strconv.Itoa(code), "message", Message(code))
	if len(said) > 0 {
		list := cib.New("errors")
		for _, line := range said {
			list = list.WithChild(Texts("error", line))
		}
		status = status.WithChild(list)
	}
	root := cib.New("pacemaker-result", "api-version", Version, "request", request)
	root.Children = append(append(root.Children, body...), status)
	return root
}

// Texts returns an element that holds text.
func Texts(tag, text string) *cib.Element {
	return cib.New(tag).WithChild(&cib.Element{Name: cib.TextName, Text: text})
}
