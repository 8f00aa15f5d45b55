/// A file that says which country addresses are in, as read from disk.
package struct CountryFile: Sendable {
  /// As the document names it, for messages.
  package let name: String
  package let bytes: [UInt8]

  package init(name: String, bytes: [UInt8]) {
    (self.name, self.bytes) = (name, bytes)
  }
}

/// Something wrong in a row of such a file: where, and how to mend it.
package struct CountryFileProblem: Error, Hashable, Sendable, CustomStringConvertible {
  package let file: String
  /// From 1; 0 where the whole file is meant.
  package let line: Int
  /// "first", "last", "network" or "country"; empty where the row is meant.
  package let field: String
  package let reason: String

  package var description: String {
    let place = line > 0 ? "\(file):\(line)" : file
    return field.isEmpty ? "\(place): \(reason)" : "\(place): \(field): \(reason)"
  }
}

/// All that is wrong, of a long list the beginning.
package struct CountryFileProblems: Error, Hashable, Sendable, CustomStringConvertible {
  /// Told of one file at most: one with more is another kind of file.
  package static let most = 20

  package let problems: [CountryFileProblem]
  /// How many there are in all.
  package let total: Int

  package var description: String {
    let more = total > problems.count ? ["… and \(total - problems.count) more"] : []
    return (problems.map(\.description) + more).joined(separator: "\n")
  }
}

extension CountryTable {
  /// Reads files that are free to have: rows of `network,country` or `first,last,country`.
  ///
  /// Commas, semicolons or tabs, with or without quotes and a line of headings; addresses as text or as numbers; more
  /// fields behind them are passed over. All files together are one table: one may have IPv4 and another IPv6.
  package init(parsing files: [CountryFile]) throws(CountryFileProblems) {
    var rows = CountryRows()
    var (problems, total): ([CountryFileProblem], Int) = ([], 0)
    for (index, file) in files.enumerated() {
      var parser = CountryFileParser(file, index)
      parser.read(&rows)
      problems += parser.problems
      total += parser.total
    }
    guard problems.isEmpty else { throw CountryFileProblems(problems: problems, total: total) }
    do throws(RowContradiction) {
      self.init(v4: try CountrySteps(rows.v4), v6: try CountrySteps(rows.v6))
    } catch {
      throw CountryFileProblems(error.words, files)
    }
    guard isEmpty, let file = files.first else { return }
    let reason = "no row of it names a country"
    throw CountryFileProblems(
      problems: [CountryFileProblem(file: file.name, line: 0, field: "", reason: reason)], total: 1)
  }
}

extension CountryFileProblems {
  fileprivate init(
    _ words: (at: RowPlace, what: String, other: RowPlace), _ files: [CountryFile]
  ) {
    let name = files[words.at.file].name
    let other = words.other.file == words.at.file ? "line" : "\(files[words.other.file].name) line"
    let problem = CountryFileProblem(
      file: name, line: words.at.line, field: "",
      reason: "its addresses \(words.what) those of \(other) \(words.other.line); keep one of them")
    self.init(problems: [problem], total: 1)
  }
}

/// Two rows that contradict each other.
enum RowContradiction: Error {
  case crossing(RowPlace, RowPlace)
  case twice(RowPlace, RowPlace)

  fileprivate var words: (at: RowPlace, what: String, other: RowPlace) {
    switch self {
    case .crossing(let row, let other): (row, "are partly", other)
    case .twice(let row, let other): (row, "are in another country than", other)
    }
  }
}

/// Where a row stands.
struct RowPlace: Hashable, Sendable {
  /// Among the files, from 0.
  let file: Int
  let line: Int
}

/// The rows of all files, by family.
struct CountryRows: Sendable {
  var v4: [CountrySteps<UInt32>.Row] = []
  var v6: [CountrySteps<UInt128>.Row] = []
}
