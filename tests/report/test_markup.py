from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from vecmill.report.markup import Html, element, escaped, joined, json_for_script


def test_text_is_escaped_and_html_is_not():
    assert joined("<b> & \"'", Html("<i>")) == "&lt;b&gt; &amp; &quot;&#x27;<i>"
    assert escaped(escaped("&")) == "&amp;"


def test_content_and_attributes_of_an_element_are_escaped():
    html = element("p", "1 < 2", element("br"), class_="a", data_tip='"&', hidden=True, id=None, open=False)

    assert html == '<p class="a" data-tip="&quot;&amp;" hidden>1 &lt; 2<br></p>'


def test_json_cannot_end_its_script():
    text = json_for_script(["</script><!--", "a&b", "\u2028"])

    assert text == '["\\u003c/script\\u003e\\u003c!--","a\\u0026b","\\u2028"]'


@given(st.lists(st.text()))
def test_json_in_a_script_reads_back_unchanged(words):
    text = json_for_script(words)

    assert json.loads(text) == words
    assert not set(text) & set("<>&\u2028\u2029")
