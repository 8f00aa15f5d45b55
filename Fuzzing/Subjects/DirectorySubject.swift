import Directory
import Elements
import Foundation

/// A directory document as it is stored, JSON: compiled, or refused with what is wrong.
struct DirectorySubject: Subject {
  static let name = "directory"
  static let mostBytes = 32_768

  /// The document is read by Foundation, so its compilation alone is work of ours.
  final class Outcome {
    var compiled: (document: DirectoryDocument, snapshot: DirectorySnapshot)?
    var problems: DirectoryProblems?
  }

  func work(_ input: [UInt8]) -> Outcome {
    let outcome = Outcome()
    guard var document = try? JSONDecoder().decode(DirectoryDocument.self, from: Data(input)) else {
      return outcome
    }
    do throws(DirectoryProblems) {
      let snapshot = try DirectoryCompiler.compile(&document, revision: 1)
      outcome.compiled = (document, snapshot)
    } catch {
      outcome.problems = error
    }
    return outcome
  }

  func check(_ outcome: Outcome, of input: [UInt8]) {
    if let problems = outcome.problems {
      require(!problems.problems.isEmpty, "a document is refused for a reason")
      _ = problems.description
    }
    guard let (document, _) = outcome.compiled else { return }
    let stored = require("a document can be stored") { try JSONEncoder().encode(document) }
    var again = require("and read again") {
      try JSONDecoder().decode(DirectoryDocument.self, from: stored)
    }
    require(again == document, "it is the same document")
    _ = require("and compiles again") { try DirectoryCompiler.compile(&again, revision: 2) }
    require(again == document, "nobody gets another number")
  }
}
