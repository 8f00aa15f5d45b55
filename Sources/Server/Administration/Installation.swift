import ConfigurationFiles
package import API
import Foundation
import Glibc

/// A data folder as the commands see it: asks the running server, or opens the folder itself.
package struct Installation {
  private let dataFolder: String
  private let client: ControlClient

  package init(_ dataFolder: String) {
    self.dataFolder = dataFolder
    client = ControlClient(dataFolder: dataFolder)
  }

  /// - Throws: ``LockOutRefusal`` where somebody who is there now would be kept out, unless it `locksOut`.
  package func apply(
    document: String, file: String, files: [String: String], locksOut: Bool = false,
    by person: String
  ) throws -> ApplyReport {
    guard client.isServerRunning else {
      let administration = try Administration(dataFolder: dataFolder)
      return try administration.apply(
        document: document, file: file, files: files,
        attendance: administration.attendanceInJournal(), locksOut: locksOut, by: person)
    }
    let request = ControlRequest.apply(
      document: document, file: file, files: files, locksOut: locksOut, by: person)
    switch try ask(request) {
    case .applied(let report): return report
    case .wouldLockOut(let rows): throw LockOutRefusal(rows)
    case _: throw ControlClient.Failure.broken("not a report of an apply")
    }
  }

  /// The configuration in force as YAML, with the rate files that it names where they are wanted.
  package func export(withRates: Bool) throws -> ExportReport {
    guard client.isServerRunning else {
      return try Administration(existing: dataFolder).export(withRates: withRates)
    }
    if case .exported(let report) = try ask(.export(withRates: withRates)) { return report }
    throw ControlClient.Failure.broken("not a document")
  }

  /// Writes the configuration in force and its rate files into a folder; gives their paths, that of the YAML
  /// last.
  ///
  /// Files that are there already are somebody's work and stay: nothing is written then.
  package func export(into path: String) throws -> [String] {
    let report = try export(withRates: true)
    let folder = URL(fileURLWithPath: path, isDirectory: true)
    let yaml = folder.appending(path: "configuration.yaml")
    var files = report.files.map { (folder.appending(path: $0), $1) }.sorted {
      $0.0.path < $1.0.path
    }
    files.append((yaml, report.document))
    for (file, _) in files where FileManager.default.fileExists(atPath: file.path) {
      throw ConfigurationError(
        field: file.path, problem: "the file is there already",
        wayOut: "Name a folder that is new or empty; nothing was written.")
    }
    var written: [URL] = []
    do {
      // Purchase prices are nobody else's.
      try FileManager.default.createDirectory(
        at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      for (file, text) in files {
        let new = try Self.newFile(file)
        written.append(file)
        try new.write(contentsOf: Data(text.utf8))
        try new.close()
      }
    } catch {
      for file in written { try? FileManager.default.removeItem(at: file) }
      throw ConfigurationError(
        field: folder.path, problem: "the files cannot be written: \(error.localizedDescription)",
        wayOut: "Check the folder's rights and the free space.")
    }
    return files.map(\.0.path)
  }

  /// A file that was not there, and that only its owner may read.
  private static func newFile(_ file: URL) throws -> FileHandle {
    let descriptor = open(file.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  package func records(
    tenant: String?, extension number: String?, limit: Int
  ) throws -> [RecordReport] {
    guard client.isServerRunning else {
      return try Administration(existing: dataFolder).records(
        tenant: tenant, extension: number, limit: limit)
    }
    let request = ControlRequest.records(tenant: tenant, extension: number, limit: limit)
    if case .records(let rows) = try ask(request) { return rows }
    throw ControlClient.Failure.broken("not call records")
  }

  package func changes(tenant: String?, limit: Int) throws -> [ChangeReport] {
    guard client.isServerRunning else {
      return try Administration(existing: dataFolder).changes(tenant: tenant, limit: limit)
    }
    if case .changes(let rows) = try ask(.changes(tenant: tenant, limit: limit)) { return rows }
    throw ControlClient.Failure.broken("not changes")
  }

  private func ask(_ request: ControlRequest) throws -> ControlReply {
    let reply = try client.ask(request)
    if case .failed(let sentence) = reply { throw Refusal(description: sentence) }
    return reply
  }

  /// What the server said.
  private struct Refusal: Error, CustomStringConvertible {
    let description: String
  }

  package static func text(ofFile path: String) throws -> String {
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw ConfigurationError(
        field: path, problem: "the file cannot be read", wayOut: "Check the path and its rights.")
    }
    return try EncodingMistake.text(Array(bytes), of: path)
  }
}
