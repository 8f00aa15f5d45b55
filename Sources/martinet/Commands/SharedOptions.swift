import API
import ArgumentParser
import Elements
import Foundation
import Server

/// The folder of the installation; every command takes it.
struct DataOption: ParsableArguments {
  @Option(help: "Folder with the database, the journal and the keys.")
  var data = "./data"
}

/// The folder, and whether a machine reads the answer.
struct LookingOptions: ParsableArguments {
  @OptionGroup var folder: DataOption

  @Flag(help: "One JSON object per line instead of a table.")
  var json = false

  /// Asks the running server; a refusal becomes the command's error.
  func ask(_ request: ControlRequest) throws -> ControlReply {
    let reply = try ControlClient(dataFolder: folder.data).ask(request)
    if case .failed(let sentence) = reply { throw CommandFailure(sentence) }
    return reply
  }

  /// Has the running server do something, and prints what it says of it.
  func order(_ request: ControlRequest) throws {
    guard case .done(let text) = try ask(request) else { return }
    if json { try JSONLine.print(["done": text]) } else { print(text) }
  }

  /// Prints the rows as a table with these columns, or as JSON; without rows the sentence `none`.
  func show<Row: Encodable>(
    _ rows: [Row], none: String, columns: [(String, (Row) -> String)]
  ) throws {
    if json {
      for row in rows { try JSONLine.print(row) }
    } else if rows.isEmpty {
      print(none)
    } else {
      print(TextTable(rows: rows, columns: columns))
    }
  }
}

/// What went wrong, in a sentence; the command ends with status 1.
struct CommandFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// A JSON object on one line, keys in alphabetical order.
enum JSONLine {
  static func print(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    Swift.print(String(decoding: try encoder.encode(value), as: UTF8.self))
  }
}

/// Rows in columns as wide as they need; what a peer chose gives the terminal no orders.
struct TextTable: CustomStringConvertible {
  let description: String

  init<Row>(rows: [Row], columns: [(String, (Row) -> String)]) {
    let cells = [columns.map { $0.0 }] + rows.map { row in columns.map { $0.1(row).inert } }
    let widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    description = cells.map { line in
      let padded = zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      return padded.joined(separator: "  ").replacing(/\ +$/, with: "")
    }.joined(separator: "\n")
  }
}

/// Who gives the command, for the audit trail: the person behind sudo where there is one.
enum Person {
  static var name: String {
    let environment = ProcessInfo.processInfo.environment
    return environment["SUDO_USER"] ?? environment["USER"] ?? "uid \(getuid())"
  }
}
