// Package source reads the document that a command works on: from a file, from
// standard input, from the command line, or from the running cluster.
package source

import (
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

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

// ReadFile returns the bytes of a file, decompressed if its name ends in .bz2.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f, path)
}

// read returns what a reader has, up to the largest document and a little more.
func read(r io.Reader, name string) ([]byte, error) {
	if strings.HasSuffix(name, ".bz2") {
		r = bzip2.NewReader(r)
	}
	data, err := cib.ReadText(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// local reads the file of [Local]; "-" is standard input, and it may be a pipe.
func local(env *cli.Env, path string) (*Document, error) {
	if path == "-" {
		return parse(env.Stdin, "standard input")
	}
	if _, err := os.Stat(path); os.Getenv("CIB_shadow") != "" && errors.Is(err, fs.ErrNotExist) {
		return nil, cli.Exitf(cli.ExitNoSuchObject, "Could not connect to the CIB: there is no copy of the configuration called %s (%s)", os.Getenv("CIB_shadow"), path)
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

func parse(r io.Reader, name string) (*Document, error) {
	data, err := read(r, name)
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, cli.Exitf(cli.ExitDataErr, "%s is empty", name)
	}
	root, err := cib.Parse(data, name)
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: err}
	}
	if root.Name != "cib" {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: fmt.Errorf("%s:%d: %w: it starts with <%s>, not with <cib>", name, root.Line, ErrNoCIB, root.Name)}
	}
	up, report, err := cib.Upgrade(root)
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: fmt.Errorf("%s: %w", name, err)}
	}
	return &Document{Root: up, Name: name, Report: report}, nil
}
