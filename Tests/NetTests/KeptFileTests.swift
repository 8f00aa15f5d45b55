import Foundation
import Net
import Testing

@Suite final class KeptFileTests {
  private let folder = FileManager.default.temporaryDirectory
    .appending(path: "martinet-kept-\(UUID().uuidString)").path()

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
  }

  @Test(
    "A key is never put beside a certificate that it does not fit, when there is no room for both")
  func together() throws {
    try FileManager.default.createDirectory(
      atPath: folder + "/certificate.pem.new/full", withIntermediateDirectories: true)
    let files = ["key.pem", "certificate.pem"].map { "\(folder)/\($0)" }
    for path in files { try "old".write(toFile: path, atomically: true, encoding: .utf8) }
    func renew() throws { try KeptFile.write(files.map { ("new", $0, 0o600) }) }
    #expect(throws: NetError.self, performing: renew)
    #expect(try [text("key.pem"), text("certificate.pem")] == ["old", "old"])
    #expect(!FileManager.default.fileExists(atPath: folder + "/key.pem.new"))
    try FileManager.default.removeItem(atPath: folder + "/certificate.pem.new")
    try renew()
    #expect(try [text("key.pem"), text("certificate.pem")] == ["new", "new"])
    #expect(!FileManager.default.fileExists(atPath: folder + "/key.pem.new"))
  }
}
