import Foundation
import Glibc

/// Writes what happens, line by line, so that it reads the same on a terminal and in a file.
struct Narrator {
  enum Colour: String {
    case plain = "0"
    case bold = "1"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case faint = "2"
  }

  private let output: FileHandle
  private let isColoured: Bool

  /// - Parameter output: Colours only where it is a terminal, and NO_COLOR is not set (no-color.org).
  init(to output: FileHandle) {
    self.output = output
    isColoured =
      isatty(output.fileDescriptor) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
  }

  func say(_ text: String = "", _ colour: Colour = .plain) {
    let isPlain = !isColoured || colour == .plain || text.isEmpty
    let line = isPlain ? text : "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    write(line + "\n")
  }

  /// The start of a part.
  func title(_ text: String) {
    say()
    say(text, .bold)
    say()
  }

  /// One of the two columns of facts.
  func fact(_ name: String, _ value: String) {
    say("  " + name.padding(toLength: 12, withPad: " ", startingAt: 0) + value)
  }

  private func write(_ text: String) {
    // A reader that has gone does not stop the demo from tidying up.
    try? output.write(contentsOf: Data(text.utf8))
  }
}
