package clients

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// schema is the grammar of the XML form of Pacemaker's commands.
const schema = "/usr/share/pacemaker/api/api-result.rng"

// TestSchema has xmllint judge the XML form of every command.
func TestSchema(t *testing.T) {
	if _, err := os.Stat(schema); err != nil {
		t.Skipf("Debian's pacemaker-common is not installed: %v", err)
	}
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skipf("Debian's libxml2-utils is not installed: %v", err)
	}
	steps := script(t, "schema.txt")
	dir := t.TempDir()
	var files []string
	for i, s := range steps {
		data, err := os.ReadFile(filepath.Join("testdata", s.file))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "cib.xml")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got := run(t, tools, file, append(s.args, "--output-as=xml"), "")
		out := filepath.Join(dir, "out"+string(rune('a'+i/26))+string(rune('a'+i%26))+".xml")
		if err := os.WriteFile(out, []byte(got.Stdout), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, out)
	}
	out, _ := exec.Command("xmllint", append([]string{"--noout", "--relaxng", schema}, files...)...).CombinedOutput()
	valid := 0
	for i, f := range files {
		if bytes.Contains(out, []byte(f+" validates")) {
			valid++
			continue
		}
		var why []string
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, f) {
				why = append(why, line)
			}
		}
		t.Errorf("%s: not valid\n%s", steps[i].line, strings.Join(why, ""))
	}
	t.Logf("%d of %d documents are valid by %s", valid, len(files), schema)
}

// TestExporter has Debian's exporter for Prometheus read our commands.
func TestExporter(t *testing.T) {
	const exporter = "/usr/bin/ha_cluster_exporter"
	if _, err := os.Stat(exporter); err != nil {
		t.Skipf("Debian's prometheus-hacluster-exporter is not installed: %v", err)
	}
	data, err := os.ReadFile("testdata/rich.xml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	cmd := exec.Command(exporter, "--web.listen-address=127.0.0.1:"+port, "--address=127.0.0.1", "--port="+port,
		"--crm-mon-path="+filepath.Join(tools, "crm_mon"), "--cibadmin-path="+filepath.Join(tools, "cibadmin"))
	cmd.Env = append(os.Environ(), "CIB_file="+file)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	deadline := time.Now().Add(30 * time.Second)
	for {
		resp, err := http.Get("http://127.0.0.1:" + port + "/metrics")
		if err == nil {
			var body bytes.Buffer
			_, _ = body.ReadFrom(resp.Body)
			resp.Body.Close()
			if !strings.Contains(body.String(), `ha_cluster_scrape_success{collector="pacemaker"} 1`) {
				t.Errorf("the exporter could not read our commands:\n%s", log.String())
				for line := range strings.Lines(body.String()) {
					if strings.Contains(line, "scrape_success") {
						t.Log(line)
					}
				}
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the exporter does not answer: %v\n%s", err, log.String())
		}
		time.Sleep(50 * time.Millisecond)
	}
}
