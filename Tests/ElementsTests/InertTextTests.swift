import Elements
import Testing

@Suite struct InertTextTests {
  @Test(
    "A46: what a peer chose stays on its line and gives no orders",
    arguments: [
      ("a\r\nb", "a\u{FFFD}\u{FFFD}b"), ("\u{1B}]0;title\u{07}", "\u{FFFD}]0;title\u{FFFD}"),
      ("\u{9B}2J", "\u{FFFD}2J"), ("a\u{2028}b\u{2029}c", "a\u{FFFD}b\u{FFFD}c"),
      ("\u{202E}gpj.exe", "\u{FFFD}gpj.exe"), ("\u{0}\u{7F}\u{85}", "\u{FFFD}\u{FFFD}\u{FFFD}"),
      ("\u{E000}\u{FEFF}", "\u{FFFD}\u{FFFD}"),
    ])
  func orders(text: String, shown: String) {
    #expect(text.inert == shown)
    #expect(text.inert.unicodeScalars.count == text.unicodeScalars.count)
  }

  @Test("Letters of every script stay", arguments: ["", "Zażółć 101", "王小明", "é ñ €", "+34 976"])
  func letters(text: String) {
    #expect(text.inert == text)
  }
}
