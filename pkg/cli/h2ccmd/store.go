package h2ccmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/quorate/quorate/pkg/cli"
)

// store writes a new file and gives it to the account of the cluster. It never
// replaces one: that would throw a configuration away.
func store(env *cli.Env, path string, doc []byte) error {
	for _, p := range []string{path, path + ".sig"} {
		if _, err := os.Lstat(p); err == nil {
			fmt.Fprintf(env.Stderr, "%s exists: a CIB was made before.\n", p)
			fmt.Fprintf(env.Stderr, "Remove %s and %s.sig before generating a new one; nothing was written.\n", path, path)
			return &cli.Exit{Code: cli.ExitExists}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return cli.Exitf(cli.ExitCantCreate, "haresources2cib: cannot look at %s: %w", p, err)
		}
	}
	if err := create(path, doc); err != nil {
		return cli.Exitf(cli.ExitCantCreate, "haresources2cib: cannot write %s: %w", path, err)
	}
	if err := giveToCluster(path); err != nil {
		fmt.Fprintf(env.Stderr, "%s was written; its owner could not be set to hacluster:haclient (%v).\n", path, err)
	}
	return nil
}

// create writes the whole file or none: it is built beside and linked into
// place, which fails when the name is taken meanwhile.
func create(path string, doc []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".cib-*")
	if err != nil {
		return err
	}
	defer func() {
		f.Close()
		if e := os.Remove(f.Name()); err == nil && !errors.Is(e, fs.ErrNotExist) {
			err = e
		}
	}()
	if _, err = f.Write(doc); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

func giveToCluster(path string) error {
	if os.Geteuid() != 0 {
		return nil // whoever runs this owns it
	}
	u, err := user.Lookup("hacluster")
	if err != nil {
		return err
	}
	g, err := user.LookupGroup("haclient")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, gid)
}
