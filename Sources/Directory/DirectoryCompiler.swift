import Elements
import Numbering

/// Checks a document as a whole and makes the snapshot of it.
package enum DirectoryCompiler {
  /// Compiles `document`, and writes the numbers of new names into its identity map.
  ///
  /// - Parameters:
  ///   - document: Its `identities` should be those of the document that it replaces; unchanged on errors.
  ///   - revision: Above that of the snapshot it replaces.
  ///   - countries: What the files say that the document names.
  ///   - isInForce: The document has been checked before, and the server must start: countries that the files do not
  ///     have any more are let be.
  /// - Returns: The snapshot to adopt.
  /// - Throws: Everything that is wrong with it.
  package static func compile(
    _ document: inout DirectoryDocument, revision: UInt64, countries: CountryTable = .empty,
    isInForce: Bool = false
  ) throws(DirectoryProblems) -> DirectorySnapshot {
    var compilation = Compilation(document, countries, isInForce: isInForce)
    let snapshot = compilation.run(revision: revision)
    guard compilation.problems.isEmpty else {
      throw DirectoryProblems(problems: compilation.problems)
    }
    document.identities = compilation.identities
    return snapshot
  }
}
