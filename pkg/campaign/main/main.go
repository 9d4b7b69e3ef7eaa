// The command main measures a cluster of real daemons in a lab on this computer.
// It exits with 1 when a limit was missed and with 2 when it cannot work.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/quorate/quorate/pkg/campaign"
	"github.com/quorate/quorate/pkg/lab"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == lab.InitArg {
		os.Exit(lab.InitMain(os.Args[2:]))
	}
	o := campaign.Default()
	if len(os.Args) > 1 && (os.Args[1] == "-short" || os.Args[1] == "--short") {
		o = campaign.Short()
	}
	flag.Bool("short", false, "small numbers, about two minutes in all; must be the first argument, others change it")
	list := flag.Bool("list", false, "print the parts and exit")
	names := flag.String("parts", "", "comma-separated parts; without it all")
	jsonFile := flag.String("json", "", "write the report to `FILE` as JSON")
	flag.StringVar(&o.Binary, "binary", "bin/quorate", "the program under test")
	flag.Uint64Var(&o.Seed, "seed", 0, "seed of the moments of the faults; 0 draws one")
	flag.IntVar(&o.Crashes, "crashes", o.Crashes, "crashes of the owner (failover)")
	flag.IntVar(&o.Cuts, "cuts", o.Cuts, "cuts of the owner (failover)")
	flag.IntVar(&o.Rounds, "rounds", o.Rounds, "planned moves (standby)")
	flag.IntVar(&o.Faults, "faults", o.Faults, "faults of each kind (processes)")
	flag.BoolVar(&o.Classic, "classic", o.Classic, "processes: also at a deadtime of ten seconds, which takes minutes")
	flag.DurationVar(&o.Steady, "steady", o.Steady, "duration of steady")
	flag.DurationVar(&o.Calm, "calm", o.Calm, "duration of steady-fast")
	flag.DurationVar(&o.Flood, "flood", o.Flood, "duration of flood")
	flag.DurationVar(&o.Idle, "idle", o.Idle, "duration of idle")
	flag.DurationVar(&o.Hold, "hold", o.Hold, "how long the view of nodes32 is held")
	flag.DurationVar(&o.Edits, "edits", o.Edits, "duration of edits with each number of clients")
	flag.IntVar(&o.Commands, "commands", o.Commands, "whole commands that edits times")
	flag.IntVar(&o.Kills, "kills", o.Kills, "daemons that kills ends")
	flag.IntVar(&o.Addresses, "addresses", o.Addresses, "addresses of addresses")
	flag.IntVar(&o.Dummies, "dummies", o.Dummies, "resources of dummies")
	flag.DurationVar(&o.Watch, "watch", o.Watch, "how long dummies counts monitors")
	flag.IntVar(&o.Nodes, "nodes", o.Nodes, "nodes of nodes32")
	flag.StringVar(&o.Keepalive, "keepalive", o.Keepalive, "keepalive of nodes32")
	flag.StringVar(&o.Deadtime, "deadtime", o.Deadtime, "deadtime of nodes32")
	flag.IntVar(&o.Deaths, "deaths", o.Deaths, "nodes that die in the large cluster of nodes32")
	flag.IntVar(&o.Rate, "rate", o.Rate, "bad packets a second of flood")
	flag.BoolVar(&o.Keep, "keep", false, "keep the logs of the nodes though all went well")
	flag.Parse()
	if *list {
		fmt.Println(strings.Join(campaign.Parts(), "\n"))
		return
	}
	if flag.NArg() > 0 {
		die(fmt.Errorf("unexpected argument %q", flag.Arg(0)))
	}
	inside, code, err := lab.Enter()
	if err != nil {
		die(err)
	}
	if !inside {
		os.Exit(code)
	}
	if *names != "" {
		o.Parts = strings.Split(*names, ",")
	}
	if o.Binary, err = filepath.Abs(o.Binary); err != nil {
		die(err)
	}
	if _, err := os.Stat(o.Binary); err != nil {
		die(fmt.Errorf("the program under test: %w; \"make build\" makes bin/quorate", err))
	}
	o.Out = os.Stdout
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	r, err := campaign.Run(ctx, o)
	if *jsonFile != "" {
		if werr := write(*jsonFile, r); werr != nil {
			die(werr)
		}
	}
	if err != nil {
		die(err)
	}
	fmt.Printf("\nseed %d: ", r.Seed)
	if !r.OK() {
		fmt.Println("not every limit was kept")
		os.Exit(1)
	}
	fmt.Println("every limit was kept")
}

func write(file string, r *campaign.Report) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := r.JSON(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func die(err error) {
	fmt.Fprintln(os.Stderr, "campaign:", err)
	os.Exit(2)
}
