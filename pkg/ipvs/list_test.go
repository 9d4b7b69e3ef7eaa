package ipvs

import (
	"errors"
	"strings"
	"testing"
)

const article = `-A -t 192.168.71.205:80 -s rr
-a -t 192.168.71.205:80 -r 192.168.71.220:80 -m -w 1
-a -t 192.168.71.205:80 -r 192.168.71.221:80 -m -w 0
-A -u [fd00::1]:53 -s wlc -p 360
-a -u [fd00::1]:53 -r [fd00::2]:53 -g -w 1
-A -f 3 -s sh
`

// The table of the article on LVS, as its commands write it and ipvsadm prints it.
func TestRulesAndText(t *testing.T) {
	table, err := ParseRules(article)
	if err != nil {
		t.Fatal(err)
	}
	if got := table.Rules(); got != article {
		t.Errorf("rules:\n%s", got)
	}
	want := `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.168.71.205:80 rr
  -> 192.168.71.220:80            Masq    1      0          0         
  -> 192.168.71.221:80            Masq    0      0          0         
UDP  [fd00::1]:53 wlc persistent 360
  -> [fd00::2]:53                 Route   1      0          0         
FWM  3 sh
`
	if got := table.Text(); got != want {
		t.Errorf("text:\n%s", got)
	}
}

func TestBadRulesAreRefused(t *testing.T) {
	for text, said := range map[string]string{
		"-A -t 10.0.0.1 -s rr":                                 "-t 10.0.0.1",
		"-A -t 10.0.0.1:80 -s best":                            `no scheduler "best"`,
		"-A -t 10.0.0.1:80\n-A -t 10.0.0.1:80":                 "there twice",
		"-A -t 10.0.0.1:0":                                     "has to be persistent",
		"-a -t 10.0.0.1:80 -r 10.0.0.2:80":                     "line 1: no service",
		"-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r fd00::1":      "not of its family",
		"-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 1.1.1.1:81":   "which only Masq can reach",
		"-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 1.1.1.1 -w x": "-w x",
		"-A -t":                     "needs a value",
		"-C":                        "is not -A or -a",
		"-A -f 0":                   "neither an address nor a mark",
		"-A -t 10.0.0.1:80 --magic": "needs a value",
	} {
		_, err := ParseRules(text)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), said) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSlotsAreInProportion(t *testing.T) {
	for weights, want := range map[[3]int]int{{1, 1, 1}: 3, {2, 4, 6}: 6, {0, 3, 3}: 2, {65535, 65535, 65534}: maxSlots, {0, 0, 0}: 0} {
		s := Service{Scheduler: "wrr"}
		for i, w := range weights {
			s.Destinations = append(s.Destinations, dest([]string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}[i], Masq, w))
		}
		_, n := s.slots()
		if n > want || n < want-3 {
			t.Errorf("weights %v: %d slots, want %d", weights, n, want)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add(article)
	f.Add("-A -t 1.2.3.4:0 -p\n-a -t 1.2.3.4:0 -r 1.1.1.1 -i")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := ParseRules(text)
		if err != nil {
			return
		}
		again, err := ParseRules(table.Rules())
		if err != nil || again.Rules() != table.Rules() {
			t.Errorf("%q becomes %q: %v", text, table.Rules(), err)
		}
		if _, err := table.NFTRules(); err != nil {
			t.Error(err)
		}
	})
}
