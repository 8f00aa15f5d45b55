/// What a parser wanted to see and where it did not; the first one of a message is reported.
package struct SyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Names the missing thing: "a token", "a number below 2147483648".
  package let expected: String
  /// Offset in the bytes that were parsed: the message for ``MessageParser``, the value elsewhere.
  package let offset: Int

  package init(expected: String, offset: Int) {
    (self.expected, self.offset) = (expected, offset)
  }

  package var description: String { "expected \(expected) at byte \(offset)" }
}
