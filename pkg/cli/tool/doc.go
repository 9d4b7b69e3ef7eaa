// Package tool is what the commands for administrators have in common: the
// options of their output, and one model of a result that is shown as text, XML
// (by Pacemaker's schema api-result) or JSON.
//
// A [Tool] is one call of a command. It gathers text, elements of the XML form
// and messages; when the command ends, what the options ask for is written, whole.
package tool
