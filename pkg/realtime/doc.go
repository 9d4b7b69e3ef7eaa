// Package realtime gives a process a real-time class, whole: every thread, those
// too that the Go runtime makes later.
//
// Were only some threads in it, they would wait for the others: these hold the
// processors of the runtime, look after its timers and sockets, and must stop
// when the collector stops the world. A busy machine keeps them waiting, and the
// runtime, which waits by turning round and round, would keep the processor from
// the very thread it waits for. For the same reason all threads have one
// priority.
//
// What must not run in that class has two ways out. [Start] starts programs in
// the normal class: none ever inherits the daemon's. [Relax] takes the whole
// process out of it while it computes for long.
//
// Where the kernel refuses the class, [Enter] says why, and the rest of the
// package does what it would without.
package realtime
