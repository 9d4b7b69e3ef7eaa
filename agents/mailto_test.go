package agents

import (
	"bufio"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/quorate/quorate/pkg/seedrow"
)

// Mail on a takeover, here to a mail server that speaks SMTP.
func TestMailToByTheMailServer(t *testing.T) {
	seedrow.Shows(t, "002-036")
	needNetwork(t)
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	old := localMail
	localMail = l.Addr().String()
	defer func() { localMail = old }()
	mails := make(chan string, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveMail(c, mails)
		}
	}()
	t.Setenv("PATH", t.TempDir()) // neither mail nor sendmail
	p := map[string]string{"email": "ops@example.org admin@example.org", "subject": "web"}
	life(t, "MailTo", p, wholeLife[:3]...)
	select {
	case m := <-mails:
		t.Fatalf("a stop of what was not started sent %q", m)
	default:
	}
	life(t, "MailTo", p, step{"start", 0}, step{"monitor", 0}, step{"stop", 0}, step{"monitor", 7})
	for _, what := range []string{"Takeover in progress", "Migrating resource away"} {
		m := <-mails
		for _, part := range []string{"RCPT TO:<ops@example.org>", "RCPT TO:<admin@example.org>", "Subject: web " + what, "Resource: test"} {
			if !strings.Contains(m, part) {
				t.Errorf("the mail lacks %q: %s", part, m)
			}
		}
	}
	localMail = "127.0.0.1:1"
	if rc, said := call(t, "MailTo", "start", p); rc != 0 || !strings.Contains(said, "no mail was sent") {
		t.Errorf("without a mail server: %d %s", rc, said)
	}
	life(t, "MailTo", p, step{"stop", 0})
	if rc, _ := call(t, "MailTo", "start", map[string]string{"email": "-oQ/tmp"}); rc != 6 {
		t.Errorf("an option in place of an address returned %d", rc)
	}
}

// serveMail is a mail server that takes everything.
func serveMail(c net.Conn, mails chan<- string) {
	defer c.Close()
	say := func(s string) { _, _ = c.Write([]byte(s + "\r\n")) }
	say("220 test")
	sc, all, data := bufio.NewScanner(c), "", false
	for sc.Scan() {
		line := sc.Text()
		all += line + "\n"
		switch {
		case data && line == ".":
			data = false
			say("250 ok")
		case data:
		case line == "DATA":
			data = true
			say("354 go on")
		case line == "QUIT":
			say("221 bye")
			mails <- all
			return
		default:
			say("250 ok")
		}
	}
}

func TestMailToByPrograms(t *testing.T) {
	seedrow.Shows(t, "002-036")
	dir := standIn(t, "no mail is to leave this machine", map[string]string{"mail": `echo "$@" >$STATE/args; cat >$STATE/text`})
	life(t, "MailTo", map[string]string{"1": "ops@example.org", "2": "web"}, step{"start", 0}, step{"stop", 0})
	if got := read(dir + "/state/args"); !strings.HasPrefix(got, "-s web Migrating resource away at ") || !strings.HasSuffix(got, " ops@example.org\n") {
		t.Errorf("mail got %q", got)
	}
	must(t, os.Remove(dir+"/mail"))
	standIn(t, "no mail is to leave this machine", map[string]string{"sendmail": `cat >` + dir + `/state/text`})
	t.Setenv("PATH", strings.Split(os.Getenv("PATH"), ":")[0]+":/bin:/nowhere")
	life(t, "MailTo", map[string]string{"1": "ops@example.org", "2": "web"}, step{"start", 0}, step{"stop", 0})
	if got := read(dir + "/state/text"); !strings.Contains(got, "To: ops@example.org\nSubject: web Migrating") {
		t.Errorf("sendmail got %q", got)
	}
}
