package import Directory
import Foundation

/// Reads `countries` of the platform: files that say which country an address is in.
package enum CountriesReader {
  /// Above it a file is something else: those of all addresses have some 30 MB.
  private static let largestFileBytes = 256 << 20
  private static let mostFiles = 8

  /// The paths as written, and the table; what is wrong is told with the files' own lines.
  static func read(_ field: Field?) -> (paths: [String]?, table: CountryTable) {
    guard let field else { return (nil, .empty) }
    let paths = field.texts()
    guard (1...mostFiles).contains(paths.count) else {
      field.report("expected one file, or up to \(mostFiles); leave the key out for none")
      return (nil, .empty)
    }
    do {
      return (paths, try table(paths))
    } catch let error as CountryFileProblems {
      for problem in error.problems {
        let path = FieldPath(problem.field.isEmpty ? [] : [.key(problem.field)])
        field.problems.report(
          ConfigurationProblem(
            file: problem.file, line: problem.line, field: path, message: problem.reason))
      }
      if error.total > error.problems.count {
        field.report("its files have \(error.total - error.problems.count) more problems")
      }
    } catch {
      field.report("\(error)")
    }
    return (paths, .empty)
  }

  /// The table of files that the server itself opens.
  package static func table(_ paths: [String]) throws -> CountryTable {
    try CountryTable(
      parsing: paths.map { path in CountryFile(name: path, bytes: try bytes(of: path)) })
  }

  private struct Unreadable: Error, CustomStringConvertible {
    let description: String
  }

  private static func bytes(of path: String) throws -> [UInt8] {
    guard path.hasPrefix("/") else {
      throw Unreadable(
        description:
          "\(path): write the whole path, from / on: the server reads it, wherever it runs")
    }
    let nothing = Unreadable(
      description:
        "there is no file at \(path) that the server can read; check the path and its rights")
    // Asked of what the path leads to: reading a pipe would wait for its writer.
    let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    guard let facts = try? FileManager.default.attributesOfItem(atPath: real),
      let size = facts[.size] as? Int, let type = facts[.type] as? FileAttributeType
    else { throw nothing }
    guard type == .typeRegular else {
      throw Unreadable(description: "\(path) is no file; name the file itself")
    }
    guard size <= largestFileBytes else {
      throw Unreadable(
        description: "\(path) has \(size) bytes, at most \(largestFileBytes) are read")
    }
    guard let data = FileManager.default.contents(atPath: real) else { throw nothing }
    return Array(data)
  }
}
