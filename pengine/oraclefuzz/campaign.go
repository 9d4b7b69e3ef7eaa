package oraclefuzz

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/quorate/quorate/cib"
)

// Campaign compares two engines on the documents of a range of seeds.
type Campaign struct {
	// First is the first seed and N the number of seeds.
	First uint64
	N     int
	// More uses the features of More besides.
	More bool
	// Force names features that every document has to use.
	Force []string
	// Jobs is the number of documents at a time.
	Jobs int
	// Oracle and Ours make an engine each, given a directory of its own.
	Oracle, Ours func(dir string) Engine
	// MinimiseLimit is the number of tests for each minimised difference; 0 switches minimising off.
	MinimiseLimit int
	// PerSignature is the number of differences minimised for one signature; 0 stands for 1.
	PerSignature int
	// MaxMinimised is the number of differences minimised in all; 0 stands for no limit.
	MaxMinimised int
	// Keep is a directory for documents and reports, or "".
	Keep string
	// Ignore lists kinds of differences that do not count.
	Ignore []string
	// Progress, when set, is called after each document.
	Progress func(done int)
}

// Finding is one document on which the engines differ.
type Finding struct {
	Seed        uint64
	Features    []string
	Differences []Difference
	// Small is the minimised document with its differences; nil when not minimised.
	Small            *cib.Element
	SmallDifferences []Difference
}

// Signature is that of the weightiest difference.
func (f *Finding) Signature() string { return f.Differences[0].Signature }

// Result is what a campaign found.
type Result struct {
	Documents int
	// Stuck counts documents whose graph the oracle itself cannot carry out to
	// its end; all but the execution is compared.
	Stuck int
	// Refused counts documents the oracle fails on, by its reason.
	Refused map[string]int
	// NotEmpty counts documents with an action in the oracle's graph.
	NotEmpty int
	// Used counts documents by feature; Least is the smallest number of features in one.
	Used  map[string]int
	Least int
	// Kinds counts documents by kind of difference.
	Kinds map[string]int
	// Guilty counts differing documents by feature.
	Guilty   map[string]int
	Findings []*Finding
}

// Run runs the campaign. An error is one of the machinery, not a difference.
func (c *Campaign) Run() (*Result, error) {
	res := &Result{Refused: map[string]int{}, Used: map[string]int{}, Kinds: map[string]int{}, Guilty: map[string]int{}, Least: len(Features)}
	if c.Keep != "" {
		if err := os.MkdirAll(c.Keep, 0o755); err != nil {
			return nil, err
		}
	}
	tmp, err := os.MkdirTemp("", "oraclefuzz")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)

	seeds := make(chan uint64)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var firstErr error
	minimised := map[string]int{}
	for w := range max(1, c.Jobs) {
		dir := filepath.Join(tmp, fmt.Sprint(w))
		if err := os.Mkdir(dir, 0o700); err != nil {
			close(seeds)
			return nil, err
		}
		wg.Go(func() {
			oracle, ours := c.Oracle(dir), c.Ours(dir)
			for seed := range seeds {
				f, err := c.one(res, &mu, oracle, ours, seed, minimised)
				mu.Lock()
				if err != nil && firstErr == nil {
					firstErr = err
				}
				if f != nil {
					res.Findings = append(res.Findings, f)
				}
				res.Documents++
				if c.Progress != nil {
					c.Progress(res.Documents)
				}
				mu.Unlock()
			}
		})
	}
	for i := range c.N {
		seeds <- c.First + uint64(i)
	}
	close(seeds)
	wg.Wait()
	sort.Slice(res.Findings, func(i, j int) bool { return res.Findings[i].Seed < res.Findings[j].Seed })
	return res, firstErr
}

// one compares the engines on the document of one seed.
func (c *Campaign) one(res *Result, mu *sync.Mutex, oracle, ours Engine, seed uint64, minimised map[string]int) (*Finding, error) {
	generate := Generate
	if c.More {
		generate = GenerateMore
	}
	root, err := generate(seed, c.Force...)
	if err != nil {
		return nil, err
	}
	used := Used(root)
	want := oracle.Run(root, WantGraph|WantSummary)
	mu.Lock()
	for _, u := range used {
		res.Used[u]++
	}
	res.Least = min(res.Least, len(used))
	if want.Err == nil && len(want.Graph.Actions) > 0 {
		res.NotEmpty++
	}
	if want.Stuck {
		res.Stuck++
	}
	if want.Err != nil {
		res.Refused[anonymous(want.Err.Error())]++
	}
	mu.Unlock()
	if want.Err != nil {
		if errors.Is(want.Err, os.ErrNotExist) {
			return nil, fmt.Errorf("the oracle does not run: %w", want.Err)
		}
		return nil, nil
	}
	ds := c.filter(Compare(want, ours.Run(root, WantGraph|WantSummary)))
	if len(ds) == 0 {
		return nil, nil
	}
	f := &Finding{Seed: seed, Features: used, Differences: ds}
	mu.Lock()
	for _, d := range ds {
		res.Kinds[d.Kind]++
	}
	for _, u := range used {
		res.Guilty[u]++
	}
	minimised[f.Signature()]++
	left := c.MaxMinimised == 0 || len(minimised) <= c.MaxMinimised
	turn := left && minimised[f.Signature()] <= max(1, c.PerSignature)
	mu.Unlock()
	if c.MinimiseLimit > 0 && turn {
		kind := ds[0].Kind
		what := WantGraph
		if kind == "summary" || kind == "error" || kind == "messages" {
			what |= WantSummary
		}
		test := func(r *cib.Element) []Difference {
			w := oracle.Run(r, what)
			if w.Err != nil {
				return nil
			}
			// The same kind of difference, about one of the same things.
			return slices.DeleteFunc(c.filter(Compare(w, ours.Run(r, what))), func(d Difference) bool {
				return d.Kind != kind || !slices.ContainsFunc(d.parts, func(p string) bool { return slices.Contains(ds[0].parts, p) })
			})
		}
		f.Small, _ = Minimise(root, c.MinimiseLimit, func(r *cib.Element) bool {
			return len(test(r)) > 0
		})
		f.SmallDifferences = test(f.Small)
	}
	if c.Keep != "" {
		base := filepath.Join(c.Keep, fmt.Sprint(seed))
		report := fmt.Sprintf("seed %d\nfeatures %s\n%s", seed, strings.Join(used, " "), Report(ds, 1000))
		if err := errors.Join(os.WriteFile(base+".xml", cib.Print(root), 0o644), os.WriteFile(base+".txt", []byte(report), 0o644)); err != nil {
			return nil, err
		}
		if f.Small != nil {
			if err := os.WriteFile(base+".min.xml", cib.Print(f.Small), 0o644); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

func (c *Campaign) filter(ds []Difference) []Difference {
	return slices.DeleteFunc(ds, func(d Difference) bool { return slices.Contains(c.Ignore, d.Kind) })
}

// PrintCoverage writes the table of features.
func (r *Result) PrintCoverage(w io.Writer) {
	fmt.Fprintf(w, "%-28s %9s %7s %9s\n", "feature", "documents", "", "differing")
	for i := range Features {
		n := Features[i].Name
		fmt.Fprintf(w, "%-28s %9d %6.1f%% %9d\n", n, r.Used[n], percent(r.Used[n], r.Documents), r.Guilty[n])
	}
}

// PrintSummary writes the totals and one line for each signature.
func (r *Result) PrintSummary(w io.Writer) {
	fmt.Fprintf(w, "documents %d, graph not empty %d (%.1f%%), fewest features in one document %d, differing %d (%.1f%%)\n", r.Documents, r.NotEmpty,
		percent(r.NotEmpty, r.Documents), r.Least, len(r.Findings), percent(len(r.Findings), r.Documents))
	low, name := r.Documents+1, ""
	for i := range Features {
		if n := r.Used[Features[i].Name]; n < low {
			low, name = n, Features[i].Name
		}
	}
	fmt.Fprintf(w, "features %d, the rarest is %s with %d documents (%.1f%%)\n", len(Features), name, low, percent(low, r.Documents))
	if r.Stuck > 0 {
		fmt.Fprintf(w, "not carried out to its end by the oracle itself: %d; all but the execution is compared\n", r.Stuck)
	}
	for why, n := range r.Refused {
		fmt.Fprintf(w, "refused by the oracle: %d: %s\n", n, why)
	}
	for _, k := range []string{"error", "actions", "params", "order", "summary", "scores", "messages", "stuck"} {
		if r.Kinds[k] > 0 {
			fmt.Fprintf(w, "  %-8s differs in %d\n", k, r.Kinds[k])
		}
	}
	for _, g := range r.Groups() {
		var seeds []string
		for i, f := range g {
			if i == 6 {
				seeds = append(seeds, "…")
				break
			}
			seeds = append(seeds, fmt.Sprint(f.Seed))
		}
		fmt.Fprintf(w, "%5d  %s\n       seeds %s\n", len(g), g[0].Signature(), strings.Join(seeds, " "))
	}
}

// Groups are the findings by signature, the largest group first.
func (r *Result) Groups() [][]*Finding {
	by := map[string][]*Finding{}
	var order []string
	for _, f := range r.Findings {
		if by[f.Signature()] == nil {
			order = append(order, f.Signature())
		}
		by[f.Signature()] = append(by[f.Signature()], f)
	}
	sort.SliceStable(order, func(i, j int) bool { return len(by[order[i]]) > len(by[order[j]]) })
	var out [][]*Finding
	for _, s := range order {
		out = append(out, by[s])
	}
	return out
}

func percent(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(n) / float64(of)
}
