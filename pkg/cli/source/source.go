// Package source reads the document that a command works on: from a file, from
// standard input, from the command line, or from the running cluster.
package source

import (
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// ErrNoCIB tells that a document is well-formed but is no CIB.
var ErrNoCIB = errors.New("the document is not a complete CIB")

// Source says where the document is. The first that is set counts: Text, File,
// Pipe; with none, the file that [Local] names, otherwise the running cluster.
type Source struct {
	// Text is the document itself.
	Text string
	// File is the name of a file, compressed with bzip2 if it ends in .bz2; "-"
	// is standard input.
	File string
	// Pipe reads standard input.
	Pipe bool
}

// Document is what was read.
type Document struct {
	// Root is in today's dialect.
	Root *cib.Element
	// Name is the file's name, or what stands for it in messages.
	Name string
	// Report is that of the upgrade from Heartbeat 2's dialect.
	Report cib.Report
	// Live tells that the document came from the running cluster.
	Live bool
}

// Load reads the document. Errors are *cli.Exit: no input, bad data (with file
// and line), no daemon.
func Load(ctx context.Context, env *cli.Env, s Source) (*Document, error) {
	switch {
	case s.Text != "":
		return parse(strings.NewReader(s.Text), "argument")
	case s.File != "" && s.File != "-":
		return file(s.File)
	case s.Pipe || s.File == "-":
		return parse(env.Stdin, "standard input")
	}
	if path := Local(); path != "" {
		return local(env, path)
	}
	c, err := client.Dial(env.RunDir)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	root, err := c.Document(ctx)
	if err != nil {
		return nil, err
	}
	return &Document{Root: root, Name: "live CIB", Live: true}, nil
}

// ReadFile returns the text of a file, decompressed if its name ends in .bz2. It
// reads no more than the largest document; see [cib.ReadText].
func ReadFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return read(f, path)
}

func read(r io.Reader, name string) (string, error) {
	if strings.HasSuffix(name, ".bz2") {
		r = bzip2.NewReader(r)
	}
	return cib.ReadText(r, name)
}

// local reads the file of [Local]; "-" is standard input, and it may be a pipe.
func local(env *cli.Env, path string) (*Document, error) {
	if path == "-" {
		return parse(env.Stdin, "standard input")
	}
	st, err := os.Stat(path)
	if os.Getenv("CIB_shadow") != "" && errors.Is(err, fs.ErrNotExist) {
		return nil, cli.Exitf(cli.ExitNoSuchObject, "Could not connect to the CIB: there is no copy of the configuration called %s (%s)", os.Getenv("CIB_shadow"), path)
	}
	if err == nil {
		Frugal(int(st.Size()))
	}
	return file(path)
}

func file(path string) (*Document, error) {
	f, err := os.Open(path)
	if err != nil {
		code := cli.ExitNoInput
		if errors.Is(err, fs.ErrPermission) {
			code = cli.ExitNoPerm
		}
		return nil, &cli.Exit{Code: code, Err: err}
	}
	defer f.Close()
	return parse(f, path)
}

// lastRead is the document that was read last: a command that queries and then
// changes reads the same file twice, and need not hold it twice.
var lastRead atomic.Pointer[cib.Element]

func parse(r io.Reader, name string) (*Document, error) {
	text, err := read(r, name)
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	if strings.TrimSpace(text) == "" {
		return nil, cli.Exitf(cli.ExitDataErr, "%s is empty", name)
	}
	root, err := cib.ParseLike(text, name, lastRead.Load())
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	if root.Name != "cib" {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: fmt.Errorf("%s:%d: %w: it starts with <%s>, not with <cib>", name, root.Line, ErrNoCIB, root.Name)}
	}
	lastRead.Store(root)
	up, report, err := cib.Upgrade(root)
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: fmt.Errorf("%s: %w", name, err)}
	}
	return &Document{Root: up, Name: name, Report: report}, nil
}
