// Package setup holds the commands for a first cluster: init writes ha.cf and
// authkeys on its first node, join makes the same on the others from the word that
// init printed. Each says what it is about to write, writes nothing over what is
// there, and can be undone.
package setup
