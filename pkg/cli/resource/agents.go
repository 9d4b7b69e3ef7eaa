package resource

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/result"
)

// ocfRoot is where OCF agents are.
func ocfRoot() string {
	if v := os.Getenv("OCF_ROOT"); v != "" {
		return v
	}
	return "/usr/lib/ocf"
}

// Directories of agents that are no OCF agents.
const (
	lsbDir       = "/etc/init.d"
	heartbeatDir = "/etc/ha.d/resource.d"
)

// unitDirs hold the units of systemd.
var unitDirs = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// fenceDirs hold fence agents.
var fenceDirs = []string{"/usr/sbin", "/usr/bin"}

// isDir tells whether a directory is there.
func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// programs are the names of the executable files of a directory.
func programs(dir string) (out []string) {
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if st, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			out = append(out, e.Name())
		}
	}
	return out
}

// ocfProviders are the directories of OCF agents.
func ocfProviders() (out []string) {
	list, _ := os.ReadDir(filepath.Join(ocfRoot(), "resource.d"))
	for _, e := range list {
		if !strings.HasPrefix(e.Name(), ".") && isDir(filepath.Join(ocfRoot(), "resource.d", e.Name())) {
			out = append(out, e.Name())
		}
	}
	return out
}

func (c *call) standards(context.Context) error {
	list := []string{"ocf", "lsb", "service"}
	if isDir("/run/systemd/system") {
		list = append(list, "systemd")
	}
	if isDir(heartbeatDir) {
		list = append(list, "heartbeat")
	}
	return c.names("standards", append(list, "stonith"))
}

// names shows a plain list.
func (c *call) names(title string, list []string) error {
	e := cib.New("list", "name", title, "count", itoa(len(list)))
	for _, n := range list {
		c.t.Printf("%s\n", n)
		e = e.WithChild(result.Texts("item", n))
	}
	c.t.Add(e)
	return nil
}

func (c *call) providers(context.Context) error {
	e := cib.New("providers", "standard", "ocf")
	for _, p := range ocfProviders() {
		c.t.Printf("%s\n", p)
		e = e.WithChild(result.Texts("provider", p))
	}
	c.t.Add(e)
	return nil
}

func (c *call) alternatives(context.Context) error {
	e := cib.New("providers", "for", c.arg)
	for _, p := range ocfProviders() {
		if slices.Contains(programs(filepath.Join(ocfRoot(), "resource.d", p)), c.arg) {
			c.t.Printf("%s\n", p)
			e = e.WithChild(result.Texts("provider", p))
		}
	}
	if len(e.Children) == 0 {
		return failedf(cli.ExitNoSuchObject, "No OCF providers found for %s", c.arg)
	}
	c.t.Add(e)
	return nil
}

// agentsOf lists the agents of a standard and, of OCF, a provider ("" is all).
func agentsOf(standard, provider string) (out []string) {
	switch standard {
	case "ocf":
		for _, p := range ocfProviders() {
			if provider == "" || provider == p {
				out = append(out, programs(filepath.Join(ocfRoot(), "resource.d", p))...)
			}
		}
	case "lsb":
		return programs(lsbDir)
	case "heartbeat":
		return programs(heartbeatDir)
	case "systemd":
		return units()
	case "service":
		out = append(units(), programs(lsbDir)...)
	case "stonith":
		for _, d := range fenceDirs {
			for _, p := range programs(d) {
				if strings.HasPrefix(p, "fence_") && !slices.Contains(out, p) {
					out = append(out, p)
				}
			}
		}
		slices.Sort(out)
	}
	return out
}

// units are the services of systemd, without their suffix.
func units() (out []string) {
	seen := map[string]bool{}
	for _, d := range unitDirs {
		list, _ := os.ReadDir(d)
		for _, e := range list {
			if n, ok := strings.CutSuffix(e.Name(), ".service"); ok && !seen[n] {
				seen[n] = true
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (c *call) agents(context.Context) error {
	standard, provider, _ := strings.Cut(c.arg, ":")
	list := agentsOf(standard, provider)
	if len(list) == 0 {
		if provider != "" {
			return failedf(cli.ExitError, "No agents found for standard '%s' and provider '%s'", standard, provider)
		}
		return failedf(cli.ExitError, "No agents found for standard '%s'", standard)
	}
	e := cib.New("agents", "standard", standard)
	if provider != "" {
		e = e.WithAttr("provider", provider)
	}
	for _, a := range list {
		c.t.Printf("%s\n", a)
		e = e.WithChild(result.Texts("agent", a))
	}
	c.t.Add(e)
	return nil
}

// parseAgent reads CLASS:PROVIDER:TYPE, or CLASS:TYPE where there are no
// providers; types may have colons.
func parseAgent(spec string) (class, provider, typ string, ok bool) {
	class, rest, ok := strings.Cut(spec, ":")
	if !ok || rest == "" {
		return "", "", "", false
	}
	switch class {
	case "ocf":
		provider, typ, ok = strings.Cut(rest, ":")
		return class, provider, typ, ok && provider != "" && typ != ""
	case "lsb", "service", "systemd", "stonith", "heartbeat", "nagios", "upstart":
		return class, "", rest, true
	}
	return "", "", "", false
}

func (c *call) metadata(ctx context.Context) error {
	class, provider, typ, ok := parseAgent(c.arg)
	if !ok {
		return failedf(cli.ExitNoSuchObject, "'%s' is not a valid agent specification", c.arg)
	}
	var text string
	var err error
	if class == "stonith" {
		text, err = fenceMetaData(ctx, typ)
	} else {
		text, err = lrm.AgentMetaData(ctx, agentConfig(), class, provider, typ)
	}
	if err != nil {
		return failedf(cli.ExitNoSuchObject, "Metadata query for %s failed: No such device or address", c.arg)
	}
	text = strings.TrimRight(text, "\n") + "\n"
	c.t.Printf("%s", text)
	c.t.Add(result.Texts("metadata", text))
	return nil
}
