import ConfigurationFiles
import API
import Directory
import Elements
import Foundation
import Glibc
import SIP
import Server
import Store
import Switch
import Testing

/// Changes of the allow-lists, while phones are registered and without a server.
@Suite struct AllowListTests {
  private static let far = "203.0.113.9"

  private func files() -> [String: String] {
    let rates = rateFiles(in: examplesFolder)
    return Dictionary(
      uniqueKeysWithValues: ["retail.csv", "wholesale.csv"].map { name in
        (name, String(decoding: rates(name) ?? [], as: UTF8.self))
      })
  }

  private func apply(
    _ administration: Administration, _ yaml: String, _ attendance: Attendance = .known([]),
    locksOut: Bool = false
  ) throws -> ApplyReport {
    try administration.apply(
      document: yaml, file: "office.yaml", files: files(), attendance: attendance,
      locksOut: locksOut, by: "anna")
  }

  private func narrowed(to network: String) -> String {
    officeYAML.replacing("currency: EUR\n", with: "currency: EUR\n    sources: [\"\(network)\"]\n")
  }

  /// Extension 101, registered from far away.
  private func attendance(_ administration: Administration) throws -> Attendance {
    let line = try #require(administration.rulebook().directory.extensions.first)
    let address = try #require(IPAddress(Self.far))
    return .known([
      Presence(.phone(line.id, line.devices.first), at: address, since: ServedFolder.now)
    ])
  }

  private func audit(_ folder: ServedFolder) throws -> [String] {
    try TenantScope(TenantID(1), as: .operator, in: folder.administration.database).audit()
      .map { "\($0.action): \($0.subject)" }
  }

  @Test("A change that would lock somebody out is refused as a whole, and made where that is said")
  func refused() throws {
    let folder = try ServedFolder()
    let administration = folder.administration
    let before = administration.rulebook().directory.revision
    let yaml = narrowed(to: "::ffff:192.0.2.0/120").replacing(
      "name: Front desk", with: "name: Desk")
    let refusal = #expect(throws: LockOutRefusal.self) {
      try apply(administration, yaml, attendance(administration))
    }
    let row = LockOutReport(
      tenant: "office", extension: "101", trunk: nil, address: Self.far,
      since: "2026-11-22T12:00:00.000Z", rule: "sources of tenant office: 192.0.2.0/24")
    #expect(refusal?.rows == [row])
    #expect(
      refusal?.description.contains(
        "  extension 101 of office at 203.0.113.9, there since 2026-11-22T12:00:00.000Z: sources of tenant office: 192.0.2.0/24"
      ) == true)
    #expect(administration.rulebook().directory.revision == before)
    #expect(administration.rulebook().directory.extensions.first?.name == "Front desk")
    let report = try apply(
      administration, yaml, attendance(administration), locksOut: true)
    #expect(report.lockedOut == [row])
    #expect(report.changes == ["changed extension 101 of office", "changed tenant office"])
    #expect(administration.rulebook().directory.revision == before + 1)
    #expect(try audit(folder).contains("lock_out.ordered: extension 101 of office"))
    #expect(
      try apply(administration, narrowed(to: "0.0.0.0/0"), attendance(administration)).lockedOut
        == nil)
  }

  @Test("Who cannot be asked stops a change of the lists only")
  func unknown() throws {
    let folder = try ServedFolder()
    let administration = folder.administration
    let busy = Attendance.unknown("the running server is too busy to answer")
    let other = officeYAML.replacing("name: Front desk", with: "name: Desk")
    #expect(try apply(administration, other, busy).changes == ["changed extension 101 of office"])
    let error = #expect(throws: ConfigurationError.self) {
      try apply(administration, narrowed(to: "192.0.2.0/24"), busy)
    }
    #expect(error?.wayOut.contains("--lock-out") == true)
    #expect(
      try apply(administration, narrowed(to: "192.0.2.0/24"), busy, locksOut: true).changes.count
        == 2)
    let platform = try TenantScope.platform(in: folder.administration.database).audit()
    #expect(platform.contains { $0.action == "lock_out.ordered" && $0.detail.contains("unseen") })
  }

  @Test("Without a server the journal knows who is registered")
  func journal() throws {
    let folder = try ServedFolder()
    let line = try #require(folder.administration.rulebook().directory.extensions.first)
    let (local, remote) = (
      Endpoint(.v4Loopback, 5060), Endpoint(try #require(IPAddress(Self.far)), 5062)
    )
    let soon = WallTime(unixMilliseconds: 4_000_000_000_000)
    let binding = Binding(
      extension: line.id, key: .contact("sip:101@203.0.113.9"), tenant: line.tenant.id,
      contact: "sip:101@203.0.113.9", flow: Flow(transport: .udp, local: local, remote: remote),
      path: [], callID: "a", sequence: 1, expiresAt: soon, preference: 1000, userAgent: "",
      registeredAt: ServedFolder.now, device: line.devices.first)
    try folder.write([.binding(.put(binding))])
    let there = folder.administration.attendanceInJournal()
    #expect(throws: LockOutRefusal.self) {
      try apply(folder.administration, narrowed(to: "192.0.2.0/24"), there)
    }
    #expect(
      try apply(folder.administration, narrowed(to: "203.0.113.0/24"), there).lockedOut == nil)
  }

  // MARK: - Countries

  private func countries(_ path: String) -> String {
    narrowed(to: "192.0.2.0/24").replacing("sources:", with: "source_countries: [ES]\n    sources:")
      + "\nplatform: { countries: \"\(path)\" }\n"
  }

  private func country(_ administration: Administration) throws -> String? {
    try administration.rulebook().directory.countries.country(of: #require(IPAddress(Self.far)))
      .map { "\($0)" }
  }

  @Test("A newer file is read by the next apply, kept in the data folder, and outlives its own")
  func countryFile() throws {
    let folder = try ServedFolder()
    let file = folder.path + "/operators.csv"
    try Data("203.0.113.0/24,ES\n2001:db8::/32,ES\n".utf8).write(to: URL(filePath: file))
    let first = try apply(folder.administration, countries(file))
    #expect(
      first.changes.contains(
        "read the countries of addresses: 2 stretches of addresses in 1 countries, IPv4 and IPv6; 0.0 MB of memory"
      ))
    #expect(try country(folder.administration) == "ES")
    #expect(folder.administration.countryFindings().map(\.verdict) == [.ok])
    // Written again, and the same: read again it is news no more.
    let later = Date(timeIntervalSinceNow: -1)
    for (path, moment) in [
      (folder.path + "/countries.csv", Date(timeIntervalSince1970: 1)), (file, later),
    ] {
      try FileManager.default.setAttributes([.modificationDate: moment], ofItemAtPath: path)
    }
    #expect(folder.administration.countryFindings().map(\.verdict) == [.warning])
    #expect(try apply(folder.administration, countries(file)).changes == [])
    #expect(folder.administration.countryFindings().map(\.verdict) == [.ok])
    try Data("203.0.113.0/24,FR\n198.51.100.0/24,ES\n".utf8).write(to: URL(filePath: file))
    #expect(throws: LockOutRefusal.self) {
      try apply(folder.administration, countries(file), attendance(folder.administration))
    }
    #expect(try country(folder.administration) == "ES")
    let second = try apply(folder.administration, countries(file))
    #expect(second.changes.count == 1)
    #expect(try country(folder.administration) == "FR")
    folder.administration.database.close()

    try FileManager.default.removeItem(atPath: file)
    let copy = folder.path + "-copy"
    try FileManager.default.copyItem(atPath: folder.path, toPath: copy)
    let again = try ServedFolder(existing: copy)
    #expect(try country(again.administration) == "FR")
    #expect(again.administration.countriesComplaint == nil)
  }

  @Test(
    "Where neither the copy nor the file is there the server starts, and says who does not come in")
  func lostCountries() throws {
    let folder = try ServedFolder()
    let file = folder.path + "/operators.csv"
    try Data("203.0.113.0/24,ES\n".utf8).write(to: URL(filePath: file))
    _ = try apply(folder.administration, countries(file))
    folder.administration.database.close()
    let copy = folder.path + "-copy"
    try FileManager.default.copyItem(atPath: folder.path, toPath: copy)
    try FileManager.default.removeItem(atPath: file)
    try FileManager.default.removeItem(atPath: copy + "/countries.csv")
    let again = try ServedFolder(existing: copy)
    #expect(try country(again.administration) == nil)
    #expect(again.administration.countriesComplaint?.contains(file) == true)
    let finding = try #require(again.administration.countryFindings().first)
    #expect(finding.verdict == .problem && finding.wayOut?.contains("apply") == true)
  }

  @Test("Files of one family are warned of where phones come in by country")
  func oneFamily() throws {
    let folder = try ServedFolder()
    let file = folder.path + "/operators.csv"
    try Data("203.0.113.0/24,ES\n".utf8).write(to: URL(filePath: file))
    _ = try apply(folder.administration, countries(file))
    let finding = try #require(folder.administration.countryFindings().first)
    #expect(finding.verdict == .warning && finding.finding.contains("IPv4 only"))
  }

  @Test("What is no file is not waited for")
  func pipe() throws {
    let folder = try ServedFolder()
    let path = folder.path + "/pipe.csv"
    #expect(mkfifo(path, 0o600) == 0)
    let error = #expect(throws: ConfigurationProblems.self) {
      _ = try apply(folder.administration, countries(path))
    }
    #expect(error?.description.contains("is no file") == true)
  }

  @Test("Without the key there is no copy and nothing to find")
  func without() throws {
    let folder = try ServedFolder()
    let file = folder.path + "/operators.csv"
    try Data("203.0.113.0/24,ES\n".utf8).write(to: URL(filePath: file))
    _ = try apply(folder.administration, countries(file))
    _ = try apply(folder.administration, officeYAML)
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/countries.csv"))
    #expect(folder.administration.countryFindings().isEmpty)
  }
}
