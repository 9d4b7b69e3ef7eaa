package cib

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mustParse is for texts of tests that are known to be good.
func mustParse(s string) *Element {
	e, err := Parse([]byte(s), "text")
	if err != nil {
		panic(err)
	}
	return e
}

func TestParseKeepsTheDocument(t *testing.T) {
	src := "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE cib SYSTEM \"crm-1.0.dtd\">\n<!-- before -->\n" +
		"<cib epoch='1' a=\"x&#10;y&lt;&amp;\tz\r\nw\">\n  <!-- kept -->\n  <b>\n    text &gt; <![CDATA[<raw>]]>\n  </b>\n  <?pi some data?>\n  <c  x = \"1\" />\n</cib>\n<!-- after -->\n"
	e, err := Parse([]byte(src), "t.xml")
	if err != nil {
		t.Fatal(err)
	}
	want := "<cib epoch=\"1\" a=\"x&#10;y&lt;&amp; z w\">\n  <!-- kept -->\n  <b>\n    text &gt; &lt;raw&gt;\n  </b>\n  <?pi some data?>\n  <c x=\"1\"/>\n</cib>\n"
	if got := string(Print(e)); got != want {
		t.Errorf("printed:\n%s\nwant:\n%s", got, want)
	}
	if l := e.First("c").Line; l != 11 {
		t.Errorf("<c> is in line %d, want 11", l)
	}
	if e.Line != 4 {
		t.Errorf("<cib> is in line %d, want 4", e.Line)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		src  string
		line int
		say  string
	}{
		{"", 1, "empty"},
		{" \n ", 2, "empty"},
		{"<!-- only -->", 1, "no element"},
		{"junk", 1, "does not begin with an element"},
		{"<a/>\n<b/>", 2, "second root"},
		{"<a/>\njunk", 2, "text after the end"},
		{"<a/></a>", 1, "no opening tag"},
		{"<a>\n<b></a>", 2, "</b> is expected"},
		{"<a>\n<b>", 2, "</b> is missing"},
		{"<a", 1, "not terminated"},
		{"<a x='1'\n<b/>", 1, "not terminated"},
		{"<a x='1' x='2'/>", 1, "given twice"},
		{"<a x=1/>", 1, "not quoted"},
		{"<a x/>", 1, "has no value"},
		{"<a x='1'y='2'/>", 1, "white space"},
		{"<a x='<'/>", 1, "holds \"<\""},
		{"<a ='x'/>", 1, "cannot begin with '='"},
		{"<1a/>", 1, "cannot begin with '1'"},
		{"<a x='&nbsp;'/>", 1, "&nbsp; is not defined"},
		{"<a x='&'/>", 1, "write &amp;"},
		{"<a>&#0;</a>", 1, "not a character"},
		{"<a>&#xFFFFFFFFF;</a>", 1, "not a character"},
		{"<a>\n\x01</a>", 2, "U+0001"},
		{"<a>\n\xff</a>", 2, "not UTF-8"},
		{"\xff\xfe<\x00", 1, "UTF-16"},
		{"<a>]]></a>", 1, "ends no CDATA"},
		{"<a><![CDATA[</a>", 1, "CDATA section is not terminated"},
		{"<a><!-- -- --></a>", 1, "inside a comment"},
		{"<a><!-- </a>", 1, "comment is not terminated"},
		{"<a><!x></a>", 1, "neither a comment"},
		{"<a><?xml version='1.0'?></a>", 1, "very beginning"},
		{"<?xml version='1.1'?><a/>", 1, "only 1.0"},
		{"<?xml version='1.0' encoding='ISO-8859-1'?><a/>", 1, "only UTF-8"},
		{"<?xml encoding='UTF-8'?><a/>", 1, "begin with its version"},
		{"<p:a/>", 1, "not declared"},
		{"<a p:x='1'/>", 1, "not declared"},
		{"<a:b:c xmlns:a='u'/>", 1, "one colon"},
		{"<a xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'/>", 1, "two prefixes"},
		{"<!DOCTYPE a [<!ENTITY e 'x'>]>\n<a>&e;</a>", 1, "declares entities"},
		{"<a><!DOCTYPE a></a>", 1, "before the root"},
		{strings.Repeat("<a>", MaxDepth+1), 1, "nested more than"},
		{"<" + strings.Repeat("a", MaxName+1) + "/>", 1, "the most that are read"},
		{strings.Repeat("<a xmlns:p='u'>", MaxPrefixes+1), 1, "prefixes are declared"},
	} {
		_, err := Parse([]byte(c.src), "t.xml")
		var pe *ParseError
		if !errors.As(err, &pe) {
			t.Errorf("%.40q: accepted, or error of another type: %v", c.src, err)
			continue
		}
		if pe.Line != c.line || !strings.Contains(pe.Msg, c.say) {
			t.Errorf("%.40q: %v; want line %d and %q", c.src, err, c.line, c.say)
		}
		if !strings.HasPrefix(err.Error(), "t.xml:") {
			t.Errorf("%.40q: error %q does not name the file", c.src, err)
		}
	}
}

func TestParseAccepts(t *testing.T) {
	for _, src := range []string{
		"\ufeff<a/>",
		"<!DOCTYPE a PUBLIC \"-//x//y\" 'z'  [ ] ><a/>",
		"<a xmlns:p='u' p:x='1'><p:b/></a>",
		"<a xml:space='preserve'/>",
		"<été/>",
		"<a\n/>",
		"<a></a >",
		"<a>" + strings.Repeat("<b>", MaxDepth-1) + strings.Repeat("</b>", MaxDepth-1) + "</a>",
	} {
		if _, err := Parse([]byte(src), ""); err != nil {
			t.Errorf("%.40q: %v", src, err)
		}
	}
}

func TestLostSlash(t *testing.T) {
	src := "<cib>\n<configuration>\n<nodes>\n<node id='1'/>\n<nodes>\n<configuration>\n<cib>\n"
	_, err := Parse([]byte(src), "cib.xml")
	want := "cib.xml:5: <nodes> opens again inside the <nodes> of line 3: the closing tags have lost their slash; write </nodes> here, and so in 2 more places"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	_, err = Parse([]byte("<a>\n<b x='1'>\n<b>\n</a>"), "t.xml")
	if err == nil || !strings.Contains(err.Error(), "t.xml:3: <b> opens again") {
		t.Errorf("one lost slash: %v", err)
	}
}

// shared returns the path of a file in the folder of reference material beside
// the repository, or skips.
func shared(t testing.TB, path string) string {
	t.Helper()
	p := filepath.Join("../../shared", path)
	if m, err := filepath.Glob(p); err != nil || len(m) == 0 {
		t.Skipf("SKIPPED: %s is absent, so this test has no input", p)
	} else {
		p = m[0]
	}
	return p
}

func TestLostSlashOfTheArticle(t *testing.T) {
	text, err := os.ReadFile(shared(t, "seeds/003*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	_, listing, ok := strings.Cut(string(text), " <cib admin_epoch=")
	if !ok {
		t.Fatal("the listing is not in the article")
	}
	listing, _, _ = strings.Cut(listing, "\n  <cib>\n")
	listing = " <cib admin_epoch=" + listing + "\n  <cib>\n"
	_, err = Parse([]byte(listing), "test.xml")
	if err == nil || !strings.Contains(err.Error(), "the closing tags have lost their slash") || !strings.HasPrefix(err.Error(), "test.xml:26: <attributes>") {
		t.Errorf("got: %v", err)
	}
	t.Log(err)
}

func TestPrintRoundTrip(t *testing.T) {
	e := New("a", "x", "\n\t\r\"'<>&\u00e9", "bad", "\x00\xff")
	e = e.WithChild(&Element{Name: CommentName, Text: "a--b-"}).WithChild(New("b").WithChild(&Element{Name: TextName, Text: "x\r\n ]]> y"}))
	got := mustParse(string(Print(e)))
	if got.Get("x") != e.Get("x") {
		t.Errorf("value became %q", got.Get("x"))
	}
	if got.Get("bad") != "\ufffd\ufffd" {
		t.Errorf("forbidden characters became %q", got.Get("bad"))
	}
	if s := got.First("b").First(TextName).Text; s != "x\r\n ]]> y" {
		t.Errorf("text became %q", s)
	}
	if !Equal(got, mustParse(e.String())) {
		t.Error("the compact form differs from the indented one")
	}
}
