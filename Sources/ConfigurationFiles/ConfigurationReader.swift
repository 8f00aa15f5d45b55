package import Directory
import Elements
import Yams

/// The YAML file of the configuration.
package struct ConfigurationFile: Sendable {
  /// As the person named it, for messages.
  package let name: String
  package let bytes: [UInt8]
  /// Gives a rate file by the name that the document uses; nil when it cannot be read.
  package let rateFile: @Sendable (String) -> [UInt8]?

  package init(
    name: String, bytes: [UInt8], rateFile: @escaping @Sendable (String) -> [UInt8]?
  ) {
    (self.name, self.bytes, self.rateFile) = (name, bytes, rateFile)
  }

  func place(of rateFile: String) -> String { Self.place(of: rateFile, namedIn: name) }

  /// A rate file as a person finds it from where the configuration was named.
  package static func place(of rateFile: String, namedIn file: String) -> String {
    guard !rateFile.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return rateFile }
    return file[...slash] + rateFile
  }
}

/// What was read: complete and checked, and not in force yet.
package struct CheckedConfiguration: Sendable {
  /// With the identities of all its names.
  package let document: DirectoryDocument
  package let snapshot: DirectorySnapshot
  /// Passwords that were made; to be handed over once.
  package let generated: [GeneratedSecret]
}

/// Reads the YAML of version 1, checks everything, and changes nothing.
///
/// What the file leaves out of secrets is taken from `previous` (the document in force) or made, and prices whose
/// file it does not name are those in force: so that what `export` wrote can be applied again.
package struct ConfigurationReader {
  /// Every key that is read, by the mapping it stands in; for the test of the manual.
  package static var keys: [(name: String, keys: [String])] {
    ConfigurationKeys.all.map { ($0.name, $0.keys) }
  }

  /// Above it a file is no configuration.
  private static let largestFileBytes = 16 << 20

  private let previous: DirectoryDocument?
  private let problems = ProblemList()

  package init(previous: DirectoryDocument? = nil) {
    self.previous = previous
  }

  /// Reads the file that is the whole configuration.
  ///
  /// - Parameters:
  ///   - file: With its rate files.
  ///   - revision: Of the snapshot; above that of the one in force.
  ///   - dice: Makes the passwords that are left out.
  /// - Returns: The draft, ready to be put in force.
  /// - Throws: Everything that is wrong.
  package func read(
    _ file: ConfigurationFile, revision: UInt64, dice: inout some RandomNumberGenerator
  ) throws(ConfigurationProblems) -> CheckedConfiguration {
    var secrets = SecretKeeper(previous: previous, dice: dice)
    guard let root = root(of: file) else { throw problems.sorted(last: file.name) }
    let reader = DocumentReader(file: file, root: root, decks: previous?.rates ?? [])
    var (document, countries) = reader.read(&secrets)
    guard problems.problems.isEmpty else { throw problems.sorted(last: file.name) }
    document.identities = previous?.identities ?? IdentityMap()
    let index = FieldIndex(file: file, root: root)
    let snapshot: DirectorySnapshot
    do throws(DirectoryProblems) {
      snapshot = try DirectoryCompiler.compile(
        &document, revision: revision, countries: countries)
    } catch {
      for problem in error.problems { problems.report(index.place(problem)) }
      throw problems.sorted(last: file.name)
    }
    for problem in BasisCheck.problems(of: document) { problems.report(index.place(problem)) }
    guard problems.problems.isEmpty else { throw problems.sorted(last: file.name) }
    return CheckedConfiguration(
      document: document, snapshot: snapshot, generated: secrets.generated)
  }

  private func root(of file: ConfigurationFile) -> Field? {
    func fail(_ message: String, _ place: YAMLMistake.Place? = nil) -> Field? {
      problems.report(
        ConfigurationProblem(
          file: file.name, line: place?.line ?? 0, column: place?.column ?? 0, field: FieldPath(),
          message: message))
      return nil
    }
    guard file.bytes.count <= Self.largestFileBytes else {
      return fail(
        "the file has \(file.bytes.count) bytes, at most \(Self.largestFileBytes) are read")
    }
    let text: String
    do throws(ConfigurationProblem) {
      text = try EncodingMistake.text(file.bytes, of: file.name)
    } catch {
      problems.report(error)
      return nil
    }
    do throws(YAMLMistake) {
      guard let node = try YAMLText.compose(text) else { return fail("the file is empty") }
      return Field(node: node, path: FieldPath(), file: file.name, problems: problems)
    } catch {
      return fail("\(error.problem). \(error.wayOut)", error.place)
    }
  }
}
