package simulate

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/source"
)

// runProfile schedules every XML file of a directory and prints the times.
func (o *options) runProfile(w *bytes.Buffer) error {
	if o.repeat < 1 {
		return cli.Exitf(cli.ExitUsage, "%s: --repeat=%d: it must be at least 1", o.name, o.repeat)
	}
	files, err := filepath.Glob(filepath.Join(o.profile, "*.xml"))
	if err != nil {
		return &cli.Exit{Code: cli.ExitUsage, Err: fmt.Errorf("%s: %w", o.name, err)}
	}
	if _, err := os.Stat(o.profile); err != nil {
		return &cli.Exit{Code: cli.ExitNoInput, Err: fmt.Errorf("%s: %w", o.name, err)}
	}
	sort.Strings(files)
	xml := o.structured()
	timings := cib.New("timings")
	if !xml {
		fmt.Fprintln(w, "Timings:")
	}
	for _, f := range files {
		data, err := source.ReadFile(f)
		if err != nil {
			return &cli.Exit{Code: cli.ExitNoInput, Err: fmt.Errorf("%s: %w", o.name, err)}
		}
		root, err := o.parse(data, f)
		if err != nil {
			return err
		}
		s := &session{o: o, root: root, now: time.Now()}
		if err := s.setTime(); err != nil {
			return err
		}
		start := time.Now()
		for range o.repeat {
			if _, err := s.schedule(root, pengine.Options{}); err != nil {
				return err
			}
		}
		took := time.Since(start).Seconds()
		if xml {
			timings.Children = append(timings.Children, cib.New("timing", "file", f, "duration", fmt.Sprintf("%.6f", took)))
			continue
		}
		fmt.Fprintf(w, "  * Testing %s ... %.2f secs\n", f, took)
	}
	if !xml {
		return nil
	}
	r := &report{}
	if len(timings.Children) > 0 {
		r.add(timings)
	}
	return r.write(w, o.request())
}
