package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/dsnet/compress/bzip2"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/history"
	"github.com/quorate/quorate/pkg/version"
)

// maxVersions is how many documents of the configuration's history are taken, the
// newest of the period; the list of versions names all.
const maxVersions = 100

// Names of files in a node's part.
const (
	notesFile = "notes.txt"
	logFile   = "ha-log.txt"
	cibFile   = "cib.xml"
)

// collector gathers one node's part of a report into a directory.
type collector struct {
	env                 *cli.Env
	crmMon, crmVerify   Constructor
	configDir, stateDir string
	period              period
	mask                *masker
	logs                []string
	noSearch            bool
	to                  *os.Root
	notes               []string
}

// notef adds a sentence about something that is missing.
func (c *collector) notef(format string, a ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, a...))
}

// write makes a file of the part.
func (c *collector) write(name string, data []byte) {
	if dir := filepath.Dir(name); dir != "." {
		if err := c.to.MkdirAll(dir, 0o700); err != nil {
			c.notef("%s could not be written: %v", name, err)
			return
		}
	}
	if err := c.to.WriteFile(name, data, 0o600); err != nil {
		c.notef("%s could not be written: %v", name, err)
	}
}

// all gathers everything. What is missing is in notes.txt.
func (c *collector) all(ctx context.Context) {
	c.system()
	logs := c.configuration()
	c.live(ctx)
	c.inputs()
	c.conflicts()
	if !c.noSearch {
		c.logs = append(c.logs, logs...)
	}
	c.gatherLogs(ctx)
	if len(c.notes) == 0 {
		c.notes = []string{"Nothing that was looked for is missing."}
	}
	c.write(notesFile, []byte(strings.Join(c.notes, "\n")+"\n"))
}

// system says what the node is.
func (c *collector) system() {
	var b strings.Builder
	host, _ := os.Hostname()
	fmt.Fprintf(&b, "Node: %s\nPeriod: %v\nWritten: %s\nQuorate %s (feature set %s)\n%s %s/%s, %d processors\n\n", host, c.period,
		time.Now().Format(time.RFC3339), version.Version, version.FeatureSet, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, f := range []string{"/proc/version", "/etc/os-release", "/proc/uptime", "/proc/loadavg", "/proc/meminfo"} {
		text, err := os.ReadFile(f)
		if err != nil {
			c.notef("%s: %v", f, err)
			continue
		}
		fmt.Fprintf(&b, "%s:\n%s\n", f, text)
	}
	c.write("sysinfo.txt", []byte(b.String()))
}

// configuration takes ha.cf and haresources, never authkeys, and tells where the
// node logs to.
func (c *collector) configuration() (logs []string) {
	for _, name := range []string{"ha.cf", "haresources"} {
		path := filepath.Join(c.configDir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			if name == "ha.cf" || !os.IsNotExist(err) {
				c.notef("%s: %v", path, err)
			}
			continue
		}
		c.write(name, []byte(c.mask.HaCf(string(text))))
		if name != "ha.cf" {
			continue
		}
		conf, _, err := hacf.Parse(bytes.NewReader(text), path)
		if err != nil {
			c.notef("%v", err)
		}
		if conf != nil {
			for _, l := range []string{conf.Log.File, conf.Log.DebugFile} {
				if l != "" {
					logs = append(logs, l)
				}
			}
		}
	}
	if len(logs) == 0 {
		for _, l := range []string{"/var/log/ha-log", "/var/log/ha-debug", "/var/log/messages", "/var/log/syslog"} {
			if _, err := os.Stat(l); err == nil {
				logs = append(logs, l)
			}
		}
	}
	return logs
}

// live takes what the daemon of this node knows; without one, what is on its disk.
func (c *collector) live(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := client.Dial(c.env.RunDir)
	if err != nil {
		c.notef("The state of the cluster is not known here: %v", err)
		c.write("STOPPED", []byte(err.Error()+"\n"))
		path := filepath.Join(c.stateDir, "crm", cibFile)
		if err := c.document(cibFile, path); err != nil {
			c.notef("The configuration is missing: %v", err)
		}
		c.stored()
		return
	}
	defer conn.Close()
	c.write("RUNNING", nil)
	if root, err := conn.Document(ctx); err != nil {
		c.notef("The CIB is missing: %v", err)
	} else {
		c.write(cibFile, cib.Print(c.mask.XML(root)))
	}
	if st, err := conn.Status(ctx); err != nil {
		c.notef("The state of the daemon is missing: %v", err)
	} else if text, err := json.MarshalIndent(st, "", "  "); err == nil {
		c.write("status.json", []byte(c.mask.Text(string(text))+"\n"))
		var members []string
		for _, m := range st.View.Members {
			members = append(members, m.Name)
		}
		c.write("members.txt", []byte(strings.Join(members, " ")+"\n"))
	}
	c.command("crm_mon.txt", c.crmMon, "-1", "-r", "-f", "-n")
	c.command("crm_verify.txt", c.crmVerify, "-L", "-V")
	r, err := conn.Do(ctx, &client.Request{Verb: client.VerbHistory})
	if err != nil {
		c.notef("The history of the configuration is missing: %v", err)
		return
	}
	c.history(r.History, func(v cib.Version) (*cib.Element, error) {
		r, err := conn.Do(ctx, &client.Request{Verb: client.VerbVersion, Version: v.String()})
		if err != nil {
			return nil, err
		}
		return cib.Parse([]byte(r.XML), "version "+v.String())
	})
}

// stored takes the history of the configuration from the disk of a node whose
// daemon does not run.
func (c *collector) stored() {
	dir := filepath.Join(c.stateDir, "crm")
	if _, err := os.Stat(filepath.Join(dir, "history.db")); err != nil {
		c.notef("The history of the configuration is missing: %v", err)
		return
	}
	s, err := history.Open(dir)
	if err != nil {
		c.notef("The history of the configuration is missing: %v", err)
		return
	}
	defer s.Close()
	list, err := s.List()
	if err != nil {
		c.notef("The history of the configuration is missing: %v", err)
		return
	}
	c.history(list, s.Document)
}

// history writes the list of versions and the documents of the period.
func (c *collector) history(list []history.Entry, document func(cib.Version) (*cib.Element, error)) {
	var b strings.Builder
	var inside []history.Entry
	for _, e := range list {
		when := "unknown"
		if !e.Time.IsZero() {
			when = e.Time.Format(time.RFC3339)
		}
		fmt.Fprintf(&b, "%s\t%s\tuser=%q client=%q origin=%q why=%q missed=%v\n", e.Version, when, e.User, e.Client, e.Origin, e.Why, e.Missed)
		if e.Time.IsZero() || c.period.has(e.Time) {
			inside = append(inside, e)
		}
	}
	c.write("cib-history.txt", []byte(c.mask.Text(b.String())))
	if n := len(inside) - maxVersions; n > 0 {
		c.notef("The configuration changed %d times in the period: the %d oldest documents are left out", len(inside), n)
		inside = inside[n:]
	}
	for _, e := range inside {
		root, err := document(e.Version)
		if err != nil {
			c.notef("Version %v of the configuration is missing: %v", e.Version, err)
			continue
		}
		c.write(fmt.Sprintf("cib-history/cib-%v.xml", e.Version), cib.Print(c.mask.XML(root)))
	}
}

// command has one of our own commands write a file.
func (c *collector) command(name string, construct Constructor, args ...string) {
	var out bytes.Buffer
	env := *c.env
	env.Stdin, env.Stdout, env.Stderr = strings.NewReader(""), &out, &out
	code := cli.Run(&env, construct(&env), args)
	if code != cli.ExitOK {
		fmt.Fprintf(&out, "(exit code %d)\n", code)
	}
	c.write(name, []byte(c.mask.Text(out.String())))
}

// document takes a document from a file, masked and, as it was, compressed. One
// that cannot be read cannot be masked, and is left out.
func (c *collector) document(name, path string) error {
	text, err := source.ReadFile(path)
	if err != nil {
		return err
	}
	root, err := cib.Parse([]byte(text), path)
	if err != nil {
		return err
	}
	data := cib.Print(c.mask.XML(root))
	if strings.HasSuffix(name, ".bz2") {
		var b bytes.Buffer
		w, err := bzip2.NewWriter(&b, &bzip2.WriterConfig{Level: bzip2.BestSpeed})
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		data = b.Bytes()
	}
	c.write(name, data)
	return nil
}

// inputs takes the inputs of the policy engine that were kept in the period.
func (c *collector) inputs() {
	list, _ := filepath.Glob(escape(filepath.Join(c.stateDir, "pengine")) + "/pe-*.bz2")
	for _, path := range list {
		st, err := os.Stat(path)
		if err != nil || !c.period.has(st.ModTime()) {
			continue
		}
		if err := c.document("pengine/"+filepath.Base(path), path); err != nil {
			c.notef("An input of the policy engine is missing: %v", err)
		}
	}
}

// conflicts takes the configurations that lost against others.
func (c *collector) conflicts() {
	dir := filepath.Join(c.stateDir, ccm.ConflictDir)
	list, _ := filepath.Glob(escape(dir) + "/*.xml")
	for _, path := range list {
		if err := c.document("conflicts/"+filepath.Base(path), path); err != nil {
			c.notef("A configuration under %s is missing: %v", dir, err)
		}
	}
}

// gatherLogs takes what the logs have of the period. The first log becomes
// ha-log.txt, the others keep their names.
func (c *collector) gatherLogs(ctx context.Context) {
	used := map[string]bool{}
	slicesOf := func(path, name string) {
		var b bytes.Buffer
		files := generations(path, c.period)
		if _, err := os.Stat(path); err != nil {
			c.notef("A log is missing: %v", err)
		} else if len(files) == 0 {
			c.notef("%s was last written before the period", path)
		}
		for _, f := range files {
			if _, err := slice(&b, f, c.period, c.mask); err != nil {
				c.notef("A log is not complete: %v", err)
			}
		}
		c.write(name, b.Bytes())
	}
	for _, path := range c.logs {
		if used[path] {
			continue
		}
		name := logFile
		if len(used) > 0 {
			name = fmt.Sprintf("logs/%d-%s", len(used), filepath.Base(path))
		}
		used[path] = true
		slicesOf(path, name)
	}
	if len(used) == 0 {
		c.notef("No log was found: name it with -l")
	}
	if c.noSearch {
		return
	}
	if _, err := exec.LookPath("journalctl"); err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "journalctl", "--quiet", "--no-pager", "--output=short-iso",
		fmt.Sprintf("--since=@%d", c.period.from.Unix()), fmt.Sprintf("--until=@%d", c.period.to.Unix())).Output()
	if err != nil {
		c.notef("The journal is missing: journalctl: %v", err)
		return
	}
	if len(out) > maxLog {
		c.notef("The journal has %d MB of the period: the rest after %d MB is left out", len(out)>>20, maxLog>>20)
		out = out[:maxLog]
	}
	var b bytes.Buffer
	for line := range strings.Lines(string(out)) {
		b.WriteString(c.mask.Text(line))
	}
	c.write("journal.log", b.Bytes())
}
