package e2e

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/pkg/lab"
)

// floodArg makes this program the attacker: it runs in a node of the lab.
const floodArg = "flood"

// floodMain is the attacker: "capture ADDR N" prints frames sent to a node,
// "send ADDR RATE SECONDS FRAME..." sends bad packets made of them.
func floodMain(args []string) error {
	if args[0] == "capture" {
		to, err := netip.ParseAddr(args[1])
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return capture(to, n)
	}
	rate, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	seconds, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	var frames [][]byte
	for _, s := range args[4:] {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return err
		}
		frames = append(frames, b)
	}
	sent, err := flood(args[1], rate, time.Duration(seconds)*time.Second, frames)
	fmt.Println(sent)
	return err
}

// capture prints the payload of UDP packets to port 694 of an address.
func capture(to netip.Addr, n int) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, int(htons(unix.ETH_P_ALL)))
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	b := make([]byte, 2000)
	for n > 0 {
		k, _, err := unix.Recvfrom(fd, b, 0)
		if err != nil {
			return err
		}
		head := int(b[0]&15) * 4
		if k < 28 || b[0]>>4 != 4 || k < head+8 || b[9] != unix.IPPROTO_UDP || int(b[head+2])<<8|int(b[head+3]) != 694 ||
			netip.AddrFrom4([4]byte(b[16:20])) != to {
			continue
		}
		fmt.Println(base64.StdEncoding.EncodeToString(b[head+8 : k]))
		n--
	}
	return nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

// flood sends bad packets of every kind at a rate, in batches.
func flood(to string, rate int, during time.Duration, frames [][]byte) (sent int, err error) {
	addr, err := net.ResolveUDPAddr("udp4", to)
	if err != nil {
		return 0, err
	}
	conn, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	pc := ipv4.NewPacketConn(conn)
	r := rand.New(rand.NewPCG(1, 2))
	junk := make([]byte, 1400)
	for i := range junk {
		junk[i] = byte(r.Uint32())
	}
	bad := [][]byte{junk, junk[:20], {}, []byte("QR")}
	for i, f := range frames {
		version, cluster, mac := append([]byte(nil), f...), append([]byte(nil), f...), append([]byte(nil), f...)
		version[2] = byte(i + 2)
		cluster[6] ^= 0xff
		mac[len(mac)-1] ^= 1
		life := append([]byte(nil), mac...) // a later life, were it genuine
		life[10] ^= 0x40
		bad = append(bad, f, version, cluster, mac, life) // f itself is a replay
	}
	const batch = 64
	msgs := make([]ipv4.Message, batch)
	begin := time.Now()
	for time.Since(begin) < during {
		if ahead := time.Duration(sent)*time.Second/time.Duration(rate) - time.Since(begin); ahead > 0 {
			time.Sleep(ahead)
		}
		for i := range msgs {
			msgs[i] = ipv4.Message{Addr: addr, Buffers: [][]byte{bad[r.IntN(len(bad))]}}
		}
		n, err := pc.WriteBatch(msgs, 0)
		if err != nil && n <= 0 {
			continue // the queue of the interface is full
		}
		sent += n
	}
	return sent, nil
}

// TestFlood: under as many bad packets as the machine can make, up to 100,000 a
// second, the members keep their view, their lease and their resource.
// QUORATE_SCALE=20 makes a minute of it.
func TestFlood(t *testing.T) {
	t.Parallel()
	seconds := 3
	if n, err := strconv.Atoi(os.Getenv("QUORATE_SCALE")); err == nil {
		seconds *= n
	}
	c := newCluster(t)
	c.add("attacker", lab.Link{Name: "eth1", Segment: "heartbeat", Addr: prefix("192.168.68.%d/24", 250)})
	c.form()
	c.ok("litsha21", "cibadmin", "-M", "-c", "-o", "crm_config", "-X", options)
	c.ok("litsha21", "cibadmin", "-C", "-o", "resources", "-X",
		`<primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr"><instance_attributes id="ip-a"><nvpair id="ip-a-1" name="ip" value="192.168.71.205"/></instance_attributes></primitive>`)
	owner := c.ownedByOther(floating, "")
	host := fmt.Sprintf("192.168.68.%d", 201+slices.Index(directors, owner))
	frames := strings.Fields(c.ok(c.other(owner), "/lab/bin/flood", "capture", host, "8"))
	before := map[string]int{}
	for _, name := range directors {
		before[name] = len(matching(c.log(name), "mem_handle_event: Got an event"))
	}
	use, err := c.nodes[owner].Usage()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	out := c.runWithin(time.Duration(seconds)*time.Second+patience, "attacker",
		append([]string{"/lab/bin/flood", "send", host + ":694", "100000", strconv.Itoa(seconds)}, frames...)...)
	took := time.Since(begin)
	after, err := c.nodes[owner].Usage()
	if err != nil {
		t.Fatal(err)
	}
	sent, err := strconv.Atoi(strings.TrimSpace(out.out))
	if err != nil || sent < 1000*seconds {
		t.Fatalf("the attacker: %v", out)
	}
	links := c.ok(owner, "quorate", "links")
	t.Logf("%d bad packets, %.0f a second, cost the daemon %.0f %% of a core\n%s", sent, float64(sent)/took.Seconds(),
		100*float64(after.CPU-use.CPU)/float64(took), links)
	for _, cause := range []string{"garbage", "version", "cluster", "mac", "replay"} {
		if !strings.Contains(links, " "+cause) {
			t.Errorf("nothing is counted as %s", cause)
		}
	}
	for _, name := range directors {
		log := c.log(name)
		if n := len(matching(log, "mem_handle_event: Got an event")); n != before[name] {
			t.Errorf("%s: the view changed under the flood:\n%s", name, log)
		}
		for _, bad := range []string{"WARN: node litsha", "The lease is over", "info: Link litsha22:eth1 dead.", "Late heartbeat"} {
			if lines := matching(log, bad); len(lines) > 0 {
				t.Errorf("%s: %v", name, lines)
			}
		}
	}
	if got := c.lab.Sample(floating); len(got) != 1 || got[0] != owner {
		t.Errorf("the address is on %v, was on %s", got, owner)
	}
}
