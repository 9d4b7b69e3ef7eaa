package authkeys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/quorate/quorate/ccm/link"
	"github.com/quorate/quorate/pkg/diag"
)

// Sample is where the project keeps a sample of the file.
const Sample = "docs/examples/authkeys"

// maxSize bounds the file.
const maxSize = 64 << 10

// ErrConfig is wrapped by every error about what the file says.
var ErrConfig = errors.New("Authentication configuration error.")

// Load reads the file at path. It must be readable by its owner only. Warnings
// are about keys which do not protect.
func Load(path string) (*link.Keys, []diag.Diagnostic, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("Cannot open keyfile [%s].  Stop. It does not exist; %s is a sample to start from: %w", path, Sample, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, fmt.Errorf("Cannot open keyfile [%s].  Stop. Run as root or as the file's owner: %w", path, err)
	case err != nil:
		return nil, nil, fmt.Errorf("Cannot open keyfile [%s].  Stop. %w", path, err)
	}
	defer f.Close()
	// The open file is examined: the name may mean another one by now.
	fi, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("Cannot open keyfile [%s].  Stop. %w", path, err)
	}
	if !fi.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("Cannot open keyfile [%s].  Stop. It is not a regular file", path)
	}
	if fi.Mode().Perm()&0o077 != 0 {
		return nil, nil, fmt.Errorf("Bad permissions on keyfile [%s], 600 recommended. It has %03o: run chmod 600 %s, and make new keys if others could read it. %w",
			path, fi.Mode().Perm(), path, ErrConfig)
	}
	return Parse(f, path)
}

// Parse reads the text of the file; file is its name for messages. All errors
// are found in one pass and wrap ErrConfig.
func Parse(r io.Reader, file string) (*link.Keys, []diag.Diagnostic, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read %s: %w", file, err)
	}
	if len(text) > maxSize {
		return nil, nil, fmt.Errorf("%s has more than %d bytes: this is no authkeys. %w", file, maxSize, ErrConfig)
	}
	p := &parser{file: file, keys: &link.Keys{Sign: -1, ByID: make(map[int]link.Key)}, lines: make(map[int]int)}
	for i, l := range strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n") {
		p.line = i + 1
		p.oneLine(strings.Fields(l))
	}
	p.finish()
	if err := diag.Refusal(p.diags); err != nil {
		return nil, p.diags, fmt.Errorf("%w\n%w", err, ErrConfig)
	}
	return p.keys, p.diags, nil
}

type parser struct {
	file  string
	line  int
	keys  *link.Keys
	diags []diag.Diagnostic
	// auth is the line of the auth directive, lines those of the keys.
	auth  int
	lines map[int]int
}

func (p *parser) add(line int, s diag.Severity, remedy, format string, a ...any) {
	p.diags = append(p.diags, diag.New(p.file, line, s, remedy, fmt.Sprintf(format, a...)))
}

func (p *parser) errorf(remedy, format string, a ...any) {
	p.add(p.line, diag.Error, remedy, format, a...)
}

func (p *parser) oneLine(words []string) {
	switch {
	case len(words) == 0 || strings.HasPrefix(words[0], "#"):
	case words[0] == "auth":
		p.authLine(words[1:])
	default:
		p.keyLine(words)
	}
}

// number reads the number of a key.
func (p *parser) number(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 15 {
		p.errorf("keys have numbers from 0 to 15", "Invalid authnum [%s]", hide(s))
		return 0, false
	}
	return n, true
}

// hide keeps a word out of a message if it may be a secret in the wrong place.
func hide(s string) string {
	if len(s) > 4 {
		return s[:2] + "..."
	}
	return s
}

func (p *parser) authLine(words []string) {
	defer func() {
		if p.auth == 0 {
			p.auth = p.line
		}
	}()
	if len(words) != 1 {
		p.errorf("write: auth N", "Auth line [auth] is invalid.")
		return
	}
	n, ok := p.number(words[0])
	switch {
	case !ok:
	case p.auth != 0:
		p.errorf("keep one of the two lines", "The auth directive is given twice (first on line %d)", p.auth)
	case p.lines[n] != 0:
		p.errorf("put the auth line first", "The auth directive must come before key %d (line %d)", n, p.lines[n])
	default:
		p.keys.Sign = n
	}
}

func (p *parser) keyLine(words []string) {
	n, ok := p.number(words[0])
	if !ok {
		return
	}
	defer func() {
		if p.lines[n] == 0 {
			p.lines[n] = p.line
		}
	}()
	if len(words) < 2 {
		p.errorf("write: N METHOD KEY", "Auth line [%d] is invalid.", n)
		return
	}
	m := link.Method(strings.ToLower(words[1]))
	if !slices.Contains(link.Methods(), m) {
		p.errorf("methods are "+methods(), "Invalid authtype [%s]", hide(words[1]))
		return
	}
	switch {
	case len(words) > 3:
		p.errorf("a key is one word; a remark stands on a line of its own", "Auth line [%d %s] is invalid.", n, m)
	case p.lines[n] != 0:
		p.errorf("keep one of the two lines", "Auth Key [%d] is given twice (first on line %d)", n, p.lines[n])
	case m.NeedsSecret() && len(words) < 3:
		p.errorf("write: "+strconv.Itoa(n)+" "+string(m)+" KEY", "Auth Key [%d]: method %s requires a key", n, m)
	case !m.NeedsSecret() && len(words) > 2:
		p.errorf("remove the key", "Auth Key [%d]: method %s doesn't use a key", n, m)
	default:
		key := link.Key{Method: m}
		if len(words) == 3 {
			key.Secret = []byte(words[2])
		}
		p.keys.ByID[n] = key
	}
}

func methods() string {
	var s []string
	for _, m := range link.Methods() {
		s = append(s, string(m))
	}
	return strings.Join(s, ", ")
}

func (p *parser) finish() {
	if p.auth == 0 {
		p.add(0, diag.Error, "add a line such as: auth 1", "Missing auth directive in keyfile")
		return
	}
	if p.keys.Sign >= 0 && p.lines[p.keys.Sign] == 0 {
		p.add(p.auth, diag.Error, fmt.Sprintf("add a line such as: %d sha256 KEY", p.keys.Sign), "Auth Key [%d] not found in keyfile", p.keys.Sign)
	}
	for n := 0; n <= 15; n++ {
		if p.keys.ByID[n].Method == link.CRC {
			p.add(p.lines[n], diag.Warning, "sha256 with a key protects",
				"Key %d: crc finds damaged packets only; anybody on the network can forge heartbeats", n)
		}
	}
	diag.Sort(p.diags)
}
