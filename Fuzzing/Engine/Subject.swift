/// Something that reads bytes which a stranger may have written.
///
/// Its work must not trap, must be linear, and must leave nothing behind: the next input finds it as this one did.
protocol Subject {
  associatedtype Outcome

  /// As `--subject` has it.
  static var name: String { get }
  /// The longest input that the server lets through to this parser.
  static var mostBytes: Int { get }

  init() throws

  /// What the server does with the bytes: this alone is timed.
  func work(_ input: [UInt8]) -> Outcome

  /// What must be true of its outcome; ``require(_:_:)`` says so.
  func check(_ outcome: Outcome, of input: [UInt8])
}

/// Ends the process with a finding, which libFuzzer then writes down as a file.
func require(_ condition: Bool, _ sentence: @autoclosure () -> String) {
  guard !condition else { return }
  fatalError("found: \(sentence())")
}

/// The value of something that must not fail.
func require<Value>(_ sentence: String, _ body: () throws -> Value) -> Value {
  do {
    return try body()
  } catch {
    fatalError("found: \(sentence): \(error)")
  }
}
