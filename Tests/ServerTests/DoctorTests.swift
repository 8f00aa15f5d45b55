import API
import Elements
import Foundation
import Glibc
import Server
import Store
import Testing

@Suite struct DoctorTests {
  private func findings(
    _ path: String, http: String? = nil, credentials: String? = nil
  ) throws -> [String: FindingReport] {
    var configuration = Configuration()
    configuration.data = path
    if let http { try configuration.set("http", to: http) }
    return Dictionary(
      Doctor(configuration, credentials: credentials).examine().map { ($0.subject, $0) },
      uniquingKeysWith: { $1 })
  }

  /// What the doctor says of journal and database.
  private func verdict(_ path: String) throws -> FindingReport.Verdict? {
    try findings(path)["journal"]?.verdict
  }

  /// A folder that a server has worked in, closed again.
  private func servedFolder(_ change: (ServedFolder) throws -> Void = { _ in }) throws -> String {
    let path = try {
      let folder = try ServedFolder()
      try folder.serve([])
      try change(folder)
      let kept = folder.path + "-kept"
      folder.administration.database.close()
      try FileManager.default.copyItem(atPath: folder.path, toPath: kept)
      return kept
    }()
    return path
  }

  @Test("Journal and database of one piece are well")
  func well() throws {
    let path = try servedFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try verdict(path) == .ok)
  }

  @Test("A lost journal is a problem before a start that fails, and after it")
  func lostJournal() throws {
    let path = try servedFolder { folder in
      try FileManager.default.removeItem(atPath: folder.journalPath)
      #expect(throws: StoreError.journalMissing) { try folder.openJournal() }
      #expect(folder.segments.isEmpty, "a failed start begins no journal")
    }
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try verdict(path) == .problem)
  }

  @Test("A journal that is not the database's is a problem, though it is there")
  func otherJournal() throws {
    let path = try servedFolder { folder in
      try FileManager.default.removeItem(atPath: folder.journalPath)
      _ = try Journal(in: folder.administration.folder) { _ in }
      #expect(folder.segments.count == 1)
    }
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try verdict(path) == .problem)
  }

  @Test("An apply before the first start is no problem: no journal was followed yet")
  func appliedOnly() throws {
    let path = try {
      let folder = try ServedFolder()
      let kept = folder.path + "-kept"
      folder.administration.database.close()
      try FileManager.default.copyItem(atPath: folder.path, toPath: kept)
      return kept
    }()
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try verdict(path) == .ok)
  }

  @Test(
    "A database that is gone or empty beside its journal is a problem, with the start's sentence")
  func lostDatabase() throws {
    let path = try servedFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let database = path + "/martinet.db"
    try FileManager.default.removeItem(atPath: database)
    for isEmpty in [false, true] {
      if isEmpty { try Data().write(to: URL(filePath: database)) }
      let refusal = StoreError.databaseLost(path: path, isEmpty: isEmpty)
      let finding = try findings(path)["database"]
      #expect(finding?.verdict == .problem)
      #expect(finding?.finding == "\(refusal)")
      #expect(throws: refusal) { try Administration(dataFolder: path) }
      #expect(throws: refusal) { try Administration(existing: path) }
    }
  }

  @Test("A database that is none is a problem with the way out")
  func damagedDatabase() throws {
    let path = try servedFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    // What stands in a WAL beside it would count instead of the file.
    try? FileManager.default.removeItem(atPath: path + "/martinet.db-wal")
    try Data(repeating: 65, count: 5000).write(to: URL(filePath: path + "/martinet.db"))
    let finding = try findings(path)["database"]
    #expect(finding?.verdict == .problem)
    #expect(finding?.finding.contains("one backup") == true)
  }

  @Test("A page that nobody has come across yet is found damaged, with the way out")
  func damagedPage() throws {
    let path = try servedFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try findings(path)["database"]?.verdict == .ok)
    // The last page of the file is then one that no start reads.
    try alterDatabase(
      path + "/martinet.db", "CREATE TABLE pile (text); INSERT INTO pile VALUES ('something')")
    let file = URL(filePath: path + "/martinet.db")
    var bytes = try Data(contentsOf: file)
    for index in bytes.indices.suffix(4_096) { bytes[index] = 0xFF }
    try bytes.write(to: file)
    let finding = try findings(path)["database"]
    #expect(finding?.verdict == .problem)
    #expect(finding?.finding.hasPrefix("The database is damaged (reading all of it: ") == true)
    #expect(finding?.finding.contains("one backup") == true)
  }

  @Test("A master key that is handed over is judged in its place, and missed where there is none")
  func credential() throws {
    let path = try servedFolder()
    let credentials = path + "-credentials"
    try FileManager.default.createDirectory(
      atPath: credentials, withIntermediateDirectories: false)
    defer {
      for folder in [path, credentials] { try? FileManager.default.removeItem(atPath: folder) }
    }
    func finding() throws -> FindingReport? {
      try findings(path, credentials: credentials)["master key"]
    }
    #expect(try finding()?.finding.hasPrefix(path + "/master.key is readable") == true)
    let credential = credentials + "/master.key"
    try FileManager.default.moveItem(atPath: path + "/master.key", toPath: credential)
    for (mode, verdict) in [
      (mode_t(0o400), FindingReport.Verdict.ok), (0o440, .ok), (0o444, .problem),
    ] {
      chmod(credential, mode)
      #expect(try finding()?.verdict == verdict)
      #expect(try finding()?.finding.hasPrefix(credential) == true)
    }
    try FileManager.default.removeItem(atPath: credential)
    #expect(try finding()?.verdict == .problem)
    #expect(try finding()?.finding.contains("in \(credentials) there is none") == true)
  }

  @Test("The audit trail is verified, and the first altered row is named")
  func auditTrail() throws {
    let path = try servedFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let well = try findings(path)["audit trail"]
    #expect(well?.verdict == .ok)
    #expect(well?.finding == "2 rows, each as it was written.")
    try alterDatabase(
      path + "/martinet.db",
      "DROP TRIGGER audit_is_never_altered; UPDATE audit SET actor = 'eve' WHERE tenant_id = 1")
    let altered = try findings(path)["audit trail"]
    #expect(altered?.verdict == .problem)
    #expect(altered?.finding == "Of tenant office: Row 1 of the audit trail was altered.")
  }

  @Test("An audit trail that the running server cannot read is a problem, not a line less")
  func unreadableTrail() {
    struct Silence: Error {}
    let answers: [Result<ControlReply, any Error>] = [
      .success(.failed("disk I/O error")), .failure(Silence()), .success(.done("")),
    ]
    for answer in answers {
      let finding = Doctor.auditTrail(answer)
      #expect(finding.verdict == .problem && finding.subject == "audit trail")
    }
    let good = FindingReport(.ok, "audit trail", "2 rows, each as it was written.")
    #expect(Doctor.auditTrail(.success(.finding(good))).finding == good.finding)
  }

  @Test("One of certificate and key without the other is a problem, as it is for the start")
  func halfPair() throws {
    let path = try servedFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try findings(path)["certificate"]?.verdict == .ok)
    try FileManager.default.createDirectory(
      atPath: path + "/tls", withIntermediateDirectories: false)
    try Data("mine".utf8).write(to: URL(filePath: path + "/tls/key.pem"))
    let finding = try findings(path)["certificate"]
    #expect(finding?.verdict == .problem)
    #expect(finding?.finding.contains("certificate.pem is missing") == true)
  }

  @Test(
    "A folder that is not made yet: its disk is that of the nearest folder, and nothing is made")
  func notMadeYet() throws {
    let parent = FileManager.default.temporaryDirectory.appending(path: "doctor-\(UUID())").path
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: parent) }
    let found = try findings(parent + "/not/yet")
    #expect(found["disk space"]?.finding.contains(parent) == true)
    #expect(found["data folder"]?.verdict == .warning)
    #expect(try FileManager.default.contentsOfDirectory(atPath: parent).isEmpty)
    #expect(throws: StoreError.noInstallation(path: parent)) {
      try Installation(parent).records(tenant: nil, extension: nil, limit: 1)
    }
    #expect(throws: StoreError.noInstallation(path: parent)) {
      try Installation(parent).export(withRates: false)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: parent).isEmpty)
  }

  @Test("Alerts that wait are told with the reason why one has not arrived, as status has it")
  func waitingAlerts() {
    func status(_ waiting: Int, _ complaint: String?) -> StatusReport {
      StatusReport(
        version: "1", state: "ready", uptimeSeconds: 1, tenants: 1, extensions: 1, registrations: 0,
        calls: 0, paidCalls: 0, trunks: 0, trunksUp: 0, journal: "durable", journalSequence: 1,
        blocked: 0, bans: 0, alertsWaiting: waiting, alertComplaint: complaint, listeners: [],
        rtpPorts: "10000-29999", memoryKilobytes: 1, certificates: [])
    }
    #expect(Doctor.alerts(status(0, nil)) == nil)
    #expect(Doctor.alerts(status(2, nil))?.finding == "2 wait to be delivered.")
    let refused = Doctor.alerts(status(1, "mail to a@b.example: connection refused"))
    #expect(refused?.verdict == .warning)
    #expect(
      refused?.finding
        == "1 wait to be delivered. Why one of them has not arrived: "
        + "mail to a@b.example: connection refused")
  }

  @Test("A taken HTTP port is advised about --http alone")
  func takenWebPort() throws {
    let (descriptor, port) = try holdPort()
    defer { close(descriptor) }
    let finding = try findings("/nowhere", http: "127.0.0.1:\(port)")["http"]
    #expect(finding?.verdict == .problem)
    #expect(finding?.wayOut?.contains("--http") == true)
    #expect("\(finding as Any)".contains("--sip") == false)
  }

  /// A listening TCP socket on loopback.
  private func holdPort() throws -> (descriptor: Int32, port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isHeld = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && listen(descriptor, 1) == 0
          && getsockname(descriptor, $0, &size) == 0
      }
    }
    try #require(isHeld)
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }
}
