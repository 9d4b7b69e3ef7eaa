package cib

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStoreAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cib.xml")
	root := mustParse(sample)
	if err := WriteFile(path, root); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{path, path + SigSuffix} {
		st, err := os.Stat(f)
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v, mode %v", f, err, st.Mode())
		}
	}
	sig, err := os.ReadFile(path + SigSuffix)
	if err != nil || len(sig) != 32 {
		t.Fatalf("digest is %q (%v)", sig, err)
	}
	s, err := LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.Edited || s.NoDigest || len(s.Warnings) > 0 || !Equal(s.Root, WithoutStatus(root)) {
		t.Errorf("loaded %+v", s)
	}
	if strings.Contains(s.Root.String(), "fail-count") {
		t.Error("the status went to disk")
	}

	second, err := ApplyOp(root, Op{Verb: VerbModify, XML: mustParse(`<primitive id="a" description="x"/>`)})
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, second); err != nil {
		t.Fatal(err)
	}
	if s, err = LoadFile(path + LastSuffix); err != nil || s.Edited || s.NoDigest || VersionOf(s.Root).Epoch != 5 {
		t.Errorf("last version: %+v, %v", s, err)
	}
	if s, err = LoadFile(path); err != nil || s.Edited || VersionOf(s.Root).Epoch != 6 {
		t.Errorf("new version: %+v, %v", s, err)
	}
	left, _ := filepath.Glob(path + "*" + newSuffix)
	if left != nil {
		t.Errorf("left over: %v", left)
	}

	// A crash between the two renames leaves the new digest beside the old file.
	if err := os.Rename(path+LastSuffix, path); err != nil {
		t.Fatal(err)
	}
	if s, err = LoadFile(path); err != nil || s.Edited || VersionOf(s.Root).Epoch != 5 {
		t.Errorf("after a crash: %+v, %v", s, err)
	}

	data, _ := os.ReadFile(path)
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), "Dummy", "Stateful", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = LoadFile(path); err != nil || !s.Edited || len(s.Warnings) != 1 {
		t.Errorf("edited by hand: %+v, %v", s, err)
	}
	if err := os.Remove(path + SigSuffix); err != nil {
		t.Fatal(err)
	}
	if s, err = LoadFile(path); err != nil || !s.NoDigest {
		t.Errorf("without digest: %+v, %v", s, err)
	}
	if err := os.WriteFile(path, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	var pe *ParseError
	if _, err = LoadFile(path); !errors.As(err, &pe) || pe.File != path {
		t.Errorf("torn file: %v", err)
	}
}

func TestLoadRefusesFilesOfOthers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cib.xml")
	if err := WriteFile(path, mustParse(sample)); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o660, 0o602} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadFile(path); !errors.Is(err, ErrOwner) || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err := LoadFile(path); err != nil || len(s.Warnings) != 1 {
		t.Errorf("mode 644: %+v, %v", s, err)
	}
	link := filepath.Join(dir, "link.xml")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadFile(link); !errors.Is(err, ErrOwner) {
		t.Errorf("symbolic link: %v", err)
	}
	if os.Geteuid() != 0 {
		t.Log("not root: the owner is not tested")
		return
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 4242, 4242); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadFile(path); !errors.Is(err, ErrOwner) || !strings.Contains(err.Error(), "uid 4242") {
		t.Errorf("foreign owner: %v", err)
	}
}

func TestWriteFileFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "cib.xml")
	if err := WriteFile(path, mustParse(sample)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such folder: %v", err)
	}
	if f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0); err == nil {
		defer f.Close()
		if _, err := mustParse(sample).WriteTo(f); err == nil {
			t.Error("a full disk was not noticed")
		}
	}
}

func TestReadFileOldDialect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.xml")
	old := `<cib have_quorum="true"><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>`
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	root, report, err := ReadFile(path)
	if err != nil || root.Get("have-quorum") != "1" || len(report) == 0 {
		t.Errorf("%s, %v, %v", root, report, err)
	}
	s, err := LoadFile(path)
	if err != nil || !s.NoDigest || len(s.Report) == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if err := WriteFile(path, s.Root); err != nil {
		t.Fatal(err)
	}
	if s, err = LoadFile(path); err != nil || s.Edited || len(s.Report) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestDiff(t *testing.T) {
	a := mustParse(sample)
	b, err := ApplyOp(a, Op{Verb: VerbModify, XML: mustParse(`<primitive id="a" description="x" type="Stateful"/>`)})
	if err != nil {
		t.Fatal(err)
	}
	if b, err = ApplyOp(b, Op{Verb: VerbDelete, XML: mustParse(`<nvpair id="o1"/>`)}); err != nil {
		t.Fatal(err)
	}
	g := b.Path("configuration", "resources", "group")
	b = substitute(b, g, g.WithChildren(g.Children[1], g.Children[0]))
	if b, err = ApplyOp(b, Op{Verb: VerbCreate, Scope: "constraints", XML: mustParse(`<rsc_location id="l" rsc="a" node="n1" score="5"/>`)}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range Diff(a, b) {
		got = append(got, d.String())
	}
	want := []string{
		`/cib: epoch was "5" and is "8"`,
		`/cib: num_updates was "7" and is "0"`,
		`/cib/configuration/crm_config/cluster_property_set[@id='cib-bootstrap-options']/nvpair[@id='o1']: is gone: <nvpair id="o1" name="stonith-enabled" value="false"/>`,
		`/cib/configuration/resources/primitive[@id='a']: type was "Dummy" and is "Stateful"`,
		`/cib/configuration/resources/primitive[@id='a']: description="x" is new`,
		`/cib/configuration/resources/group[@id='g']: the order is now primitive c, primitive b`,
		`/cib/configuration/constraints/rsc_location[@id='l']: is new: <rsc_location id="l" rsc="a" node="n1" score="5"/>`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if d := Diff(a, mustParse(sample)); d != nil {
		t.Errorf("equal documents differ: %v", d)
	}
	if d := fmt.Sprint(Diff(a, New("x"))); !strings.Contains(d, "the root was <cib> and is <x>") {
		t.Error(d)
	}
}

// TestHugeFileIsRefusedUnread sees that a file of a gigabyte is refused at once.
func TestHugeFileIsRefusedUnread(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cib.xml")
	f, err := os.Create(path)
	if err == nil {
		err = errors.Join(f.Truncate(1<<30), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadFile(path); !errors.Is(err, ErrTooLong) {
		t.Errorf("%v", err)
	}
}
