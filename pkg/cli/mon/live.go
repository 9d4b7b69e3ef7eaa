package mon

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/quorate/quorate/cib"
)

// picture is what the watcher last saw.
type picture struct {
	root  *cib.Element
	extra []Section
	// err is why there is no newer one.
	err error
	at  time.Time
}

// screen is the state of the full screen, without any terminal.
type screen struct {
	o      Options
	pic    picture
	offset int
	help   bool
}

const helpText = `Keys:
  n  resources below their nodes      A  node attributes
  r  resources that do not run        f  fail counts
  b  counts instead of lists          o  history of operations
  D  summary on and off               t  history with times
  c  tickets                          L  constraints against nodes
  R  ids and clone instances          j k  scroll
  q  quit                             ?  this page on and off
`

// key reacts to one key and reports whether to quit.
func (s *screen) key(k byte) (quit bool) {
	toggle := map[byte]*bool{
		'n': &s.o.GroupByNode, 'r': &s.o.Inactive, 'A': &s.o.Attributes, 'f': &s.o.Failcounts, 'o': &s.o.Operations,
		't': &s.o.Timing, 'c': &s.o.Tickets, 'L': &s.o.Bans, 'b': &s.o.Brief, 'D': &s.o.HideHeaders, 'R': &s.o.Detail, '?': &s.help,
	}
	switch {
	case k == 'q', k == 'Q', k == 3: // ^C in raw mode
		return true
	case toggle[k] != nil:
		*toggle[k] = !*toggle[k]
	case k == 'j':
		s.offset++
	case k == 'k':
		s.offset = max(s.offset-1, 0)
	}
	return false
}

// draw returns the bytes that show the picture on a terminal of the given size.
func (s *screen) draw(now time.Time, width, height int) string {
	text := helpText
	if !s.help {
		text = s.text(now)
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	rows := max(height-1, 1)
	s.offset = max(min(s.offset, len(lines)-rows), 0)
	rest := len(lines) - s.offset - rows
	lines = lines[s.offset:]
	if len(lines) > rows {
		lines = lines[:rows]
	}
	var b strings.Builder
	b.WriteString("\x1b[H")
	for _, l := range lines {
		b.WriteString(paint(l, fit(l, width)) + "\x1b[K\r\n")
	}
	foot := "q quits, ? helps"
	if rest > 0 {
		foot = fmt.Sprintf("%d more lines: j scrolls; %s", rest, foot)
	}
	b.WriteString("\x1b[J" + fit(foot, width))
	return b.String()
}

func (s *screen) text(now time.Time) string {
	head := ""
	switch {
	case s.pic.root == nil && s.pic.err == nil:
		return "Waiting for the cluster daemon ...\n"
	case s.pic.root == nil:
		return s.pic.err.Error() + "\nTrying again ...\n"
	case s.pic.err != nil:
		head = fmt.Sprintf("%s\nThis picture is %s old. Trying again ...\n\n", s.pic.err, now.Sub(s.pic.at).Round(time.Second))
	}
	o := s.o
	o.Now, o.Extra = now, s.pic.extra
	if s.pic.err != nil {
		o.Now = s.pic.at
	}
	return head + Render(s.pic.root, o)
}

// paint colours a line that was made to fit by what it says.
func paint(line, fitted string) string {
	code := map[int]string{good: "32", bad: "31", idle: "34"}[tone(line)]
	switch {
	case line != "" && line[0] != ' ':
		code = "1"
	case code == "":
		return fitted
	}
	return "\x1b[" + code + "m" + fitted + "\x1b[0m"
}

// fit makes a line safe for the terminal and cuts it at its width: tabs are
// spread, control characters are replaced.
func fit(l string, width int) string {
	var b strings.Builder
	col := 0
	for _, r := range l {
		n := 1
		switch {
		case r == '\t':
			n = 8 - col%8
			r = ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0:
			r = '?'
		}
		if col += n; col > width {
			break
		}
		b.WriteString(strings.Repeat(string(r), n))
	}
	return b.String()
}

// live shows the cluster until q, a signal, or the end of the input. One
// goroutine, this one, owns the screen; the others only send to it: the keys,
// what the watcher sees, and what the daemon knows beyond the CIB.
func live(ctx context.Context, in, out *os.File, b Backend, o Options, retry time.Duration) error {
	old, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("crm_mon: cannot use the terminal: %w", err)
	}
	defer term.Restore(int(in.Fd()), old)
	// The other screen, without a cursor; and back at the end.
	fmt.Fprint(out, "\x1b[?1049h\x1b[?25l")
	defer fmt.Fprint(out, "\x1b[?25h\x1b[?1049l")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	keys, pics, resized := make(chan byte), make(chan picture), make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	go readKeys(ctx, in, keys)
	go watch(ctx, b, retry, pics)
	extras := make(chan []Section)
	if b.Extra != nil {
		go follow(ctx, b.Extra, extras)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	s := &screen{o: o}
	for {
		w, h, err := term.GetSize(int(out.Fd()))
		if err != nil {
			w, h = 80, 24
		}
		if _, err := io.WriteString(out, s.draw(time.Now(), w, h)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case k, ok := <-keys:
			if !ok || s.key(k) {
				return nil
			}
		case p := <-pics:
			if p.root == nil {
				p.root, p.at = s.pic.root, s.pic.at
			}
			p.extra = s.pic.extra
			s.pic = p
		case s.pic.extra = <-extras:
		case <-resized:
		case <-tick.C:
		}
	}
}

// readKeys sends what is typed; it ends with the program, since a read from a
// terminal cannot be interrupted.
func readKeys(ctx context.Context, in io.Reader, keys chan<- byte) {
	defer close(keys)
	buf := make([]byte, 16)
	for {
		n, err := in.Read(buf)
		for _, k := range buf[:n] {
			select {
			case keys <- k:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// follow asks every second for what changes without the CIB: the lease, say.
func follow(ctx context.Context, ask func(context.Context) []Section, extras chan<- []Section) {
	for tick := time.NewTicker(time.Second); ; {
		one, cancel := context.WithTimeout(ctx, 5*time.Second)
		x := ask(one)
		cancel()
		select {
		case extras <- x:
		case <-ctx.Done():
			tick.Stop()
			return
		}
		<-tick.C
	}
}

// watch sends every picture, and reconnects for ever.
func watch(ctx context.Context, b Backend, retry time.Duration, pics chan<- picture) {
	send := func(p picture) bool {
		select {
		case pics <- p:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for ctx.Err() == nil {
		s, err := b.Dial()
		if err == nil {
			err = s.Watch(ctx, func(root *cib.Element) bool {
				return send(picture{root: root, at: time.Now()})
			})
			s.Close()
		}
		if err == nil {
			err = fmt.Errorf("the cluster daemon ended the connection")
		}
		if !send(picture{err: err}) {
			return
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
		}
	}
}
