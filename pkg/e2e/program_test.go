package e2e

import (
	"debug/elf"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestProgram: one static program, which is every command by its name.
func TestProgram(t *testing.T) {
	t.Parallel()
	files := program(t)
	f, err := elf.Open(files["/lab/bin/quorate"])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if os.Getenv(raced) == "" && slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("the program is not static: it wants a dynamic linker")
	}
	c := newCluster(t, "litsha21")
	for _, name := range []string{"crm_mon", "cibadmin", "crm_standby", "crm_node", "cl_status", "haresources2cib"} {
		if files["/lab/bin/"+name] == "" {
			t.Errorf("quorate --list does not name %s", name)
			continue
		}
		for _, argv := range [][]string{{name, "--help"}, {"quorate", name, "--help"}} {
			if r := c.run("litsha21", argv...); r.code != 0 || !strings.Contains(r.out, name) {
				t.Error(r)
			}
		}
		if r := c.run("litsha21", name, "--nonsense"); r.code == 0 || strings.Count(r.err, "\n") != 1 || !strings.Contains(r.err, "--nonsense") {
			t.Errorf("an unknown option must give one sentence: %v", r)
		}
	}
	if r := c.run("litsha21", "quorate", "nonsense"); r.code != exitUsage || !strings.Contains(r.err, "nonsense") {
		t.Error(r)
	}
	if out := c.ok("litsha21", "quorate", "--version"); !strings.HasPrefix(out, "quorate ") {
		t.Errorf("--version: %q", out)
	}
}
