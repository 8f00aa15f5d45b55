import Elements
import Numbering

/// Checks a document as a whole and makes the snapshot of it.
package enum DirectoryCompiler {
  /// Compiles `document`, and writes the numbers of new names into its identity map.
  ///
  /// - Parameters:
  ///   - document: Its `identities` should be those of the document that it replaces; unchanged on errors.
  ///   - revision: Above that of the snapshot it replaces.
  /// - Returns: The snapshot to adopt.
  /// - Throws: Everything that is wrong with it.
  package static func compile(
    _ document: inout DirectoryDocument, revision: UInt64
  ) throws(DirectoryProblems) -> DirectorySnapshot {
    var compilation = Compilation(document)
    let snapshot = compilation.run(revision: revision)
    guard compilation.problems.isEmpty else {
      throw DirectoryProblems(problems: compilation.problems)
    }
    document.identities = compilation.identities
    return snapshot
  }
}
