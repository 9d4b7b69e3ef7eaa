package peinput

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dsnet/compress/bzip2"

	"github.com/quorate/quorate/cib"
)

// Series is one of the three series of inputs.
type Series string

// The series, by the worst that the policy engine had to say.
const (
	Input Series = "pe-input"
	Warn  Series = "pe-warn"
	Error Series = "pe-error"
)

// limits are the defaults of the options SERIES-series-max.
var limits = map[Series]int{Input: 4000, Warn: 5000, Error: -1}

// Limit returns how many inputs of a series a document wants to be kept: the
// cluster option pe-input-series-max, pe-warn-series-max or
// pe-error-series-max. 0 is none, a negative number is no limit.
func Limit(root *cib.Element, s Series) int {
	config := root.Path("configuration", "crm_config")
	if config == nil {
		return limits[s]
	}
	for _, set := range config.All("cluster_property_set") {
		for _, nv := range set.All("nvpair") {
			if nv.Get("name") != string(s)+"-series-max" {
				continue
			}
			if n, err := strconv.Atoi(strings.TrimSpace(nv.Get("value"))); err == nil {
				return n
			}
		}
	}
	return limits[s]
}

// Store is a directory of inputs. It is not safe for concurrent use.
type Store struct{ dir string }

// NewStore returns the store in a directory, which is made at the first save.
func NewStore(dir string) *Store { return &Store{dir} }

// Save writes the document as the next of its series, computed for the given
// time, and returns the name of the file. With limit 0 nothing is written and
// the name is "". After an error the older inputs are as they were; where only
// the counter could not be written, the new one is there too.
func (s *Store) Save(series Series, root *cib.Element, now time.Time, limit int) (string, error) {
	if limit == 0 {
		return "", nil
	}
	if err := os.MkdirAll(s.dir, 0o750); err != nil {
		return "", err
	}
	n := s.next(series)
	if limit > 0 && n >= limit {
		n = 0
	}
	data, err := pack(root.WithAttr("execution-date", strconv.FormatInt(now.Unix(), 10)))
	if err != nil {
		return "", err
	}
	path := s.file(series, n)
	if err := replace(path, data); err != nil {
		return "", err
	}
	return path, replace(s.last(series), []byte(strconv.Itoa(n+1)+"\n"))
}

func (s *Store) file(series Series, n int) string {
	return filepath.Join(s.dir, fmt.Sprintf("%s-%d.bz2", series, n))
}

func (s *Store) last(series Series) string { return filepath.Join(s.dir, string(series)+".last") }

// next is the number of the next input. Where the counter is lost it follows
// the highest one that exists, so that nothing is overwritten early.
func (s *Store) next(series Series) int {
	data, err := os.ReadFile(s.last(series))
	if err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil && n >= 0 {
			return n
		}
	}
	next := 0
	entries, _ := os.ReadDir(s.dir)
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), string(series)+"-")
		if rest, isInput := strings.CutSuffix(rest, ".bz2"); ok && isInput {
			if n, err := strconv.Atoi(rest); err == nil {
				next = max(next, n+1)
			}
		}
	}
	return next
}

func pack(root *cib.Element) ([]byte, error) {
	var b bytes.Buffer
	w, err := bzip2.NewWriter(&b, &bzip2.WriterConfig{Level: bzip2.DefaultCompression})
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(cib.Print(root)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// replace writes a file in one step: a reader sees the old one or the new one.
// It is not synced, since an input is a convenience, not a promise.
func replace(path string, data []byte) error {
	// There is one writer, and a name that stays the same leaves no litter.
	tmp := path + ".new"
	err := os.WriteFile(tmp, data, 0o640)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		if e := os.Remove(tmp); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
