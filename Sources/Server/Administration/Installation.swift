package import API
import Foundation

/// A data folder as the commands see it: asks the running server, or opens the folder itself.
package struct Installation {
  private let dataFolder: String
  private let client: ControlClient

  package init(_ dataFolder: String) {
    self.dataFolder = dataFolder
    client = ControlClient(dataFolder: dataFolder)
  }

  package func apply(
    document: String, file: String, files: [String: String], by person: String
  ) throws -> ApplyReport {
    guard client.isServerRunning else {
      return try Administration(dataFolder: dataFolder).apply(
        document: document, file: file, files: files, by: person)
    }
    let request = ControlRequest.apply(document: document, file: file, files: files, by: person)
    if case .applied(let report) = try ask(request) { return report }
    throw ControlClient.Failure.broken("not a report of an apply")
  }

  package func export() throws -> String {
    guard client.isServerRunning else {
      return try Administration(dataFolder: dataFolder).export()
    }
    if case .document(let text) = try ask(.export) { return text }
    throw ControlClient.Failure.broken("not a document")
  }

  package func records(
    tenant: String?, extension number: String?, limit: Int
  ) throws -> [RecordReport] {
    guard client.isServerRunning else {
      return try Administration(dataFolder: dataFolder).records(
        tenant: tenant, extension: number, limit: limit)
    }
    let request = ControlRequest.records(tenant: tenant, extension: number, limit: limit)
    if case .records(let rows) = try ask(request) { return rows }
    throw ControlClient.Failure.broken("not call records")
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
    guard let text = String(bytes: bytes, encoding: .utf8) else {
      throw ConfigurationError(
        field: path, problem: "the file is not UTF-8", wayOut: "Save it as UTF-8 text.")
    }
    return text
  }
}
