import Directory
import Elements
import Numbering
import Testing

@Suite struct DialTests {
  private func dial(_ text: String, _ snapshot: DirectorySnapshot) throws -> String {
    let line = try #require(snapshot.extensions.first)
    let bytes = Array(text.utf8)
    return switch snapshot.dial(bytes.span, from: line) {
    case .emergency(let digits): "emergency \(digits)"
    case .line(let line): "line \(line.name)"
    case .unknown(let digits): "unknown \(digits)"
    case .ownNumber(let own): "own \(own.number)"
    case .outside(let number, .allow): "outside \(number.number)"
    case .outside(let number, .deny(let reason)): "refused \(number.number): \(reason)"
    case .invalid(let error): "invalid: \(error)"
    }
  }

  @Test("What a phone dials: emergency first, then colleagues, then the outside under the policy")
  func dial() throws {
    let snapshot = try compile(officeDocument())
    #expect(try dial("112", snapshot) == "emergency 112")
    #expect(try dial("102", snapshot) == "line Workshop")
    #expect(try dial("1-0-2", snapshot) == "line Workshop")
    #expect(try dial("109", snapshot) == "unknown 109")
    #expect(try dial("*98", snapshot) == "unknown *98")
    #expect(try dial("976333444", snapshot) == "outside +34976333444")
    #expect(try dial("976111222", snapshot) == "own +34976111222")
    #expect(
      try dial("0044 20 7946 0000", snapshot)
        == "refused +442079460000: calls to other countries are closed")
    #expect(try dial("alice", snapshot) == "invalid: \(DiallingError.notANumber)")
  }

  @Test(
    "A forward abroad is found when it is set, and not again while it stands, whatever else changes"
  )
  func forwardsAbroad() throws {
    var document = officeDocument()
    let before = try compile(document)
    document.tenants[0].extensions[0].forwards.always = "0044 20 7946 0000"
    document.tenants[0].extensions[0].forwards.busy = "+442079460000"
    document.tenants[0].extensions[1].forwards.noAnswer = "976111222"
    let after = try compile(document)
    let found = after.forwardsAbroad(notIn: before)
    #expect(found.map { "\($0.line.name) \($0.number)" } == ["Front desk +442079460000"])
    document.tenants[0].extensions[0].name = "Reception"
    document.tenants[0].extensions[0].forwards.always = "001 202 456 1111"
    let third = try compile(document)
    #expect(third.forwardsAbroad(notIn: after).map { "\($0.number)" } == ["+12024561111"])
    #expect(third.forwardsAbroad(notIn: third).isEmpty)
    #expect(after.forwardsAbroad(notIn: .empty).count == 1)
  }

  @Test("P2: ranges: by last digits, in steps, and numbers of another length beside them")
  func inboundRanges() throws {
    var document = officeDocument()
    var range = NumberEntry(first: "+34976111100", last: "+34976111199")
    range.lastDigits = 3
    document.tenants[0].numbers += [
      range,
      NumberEntry(
        first: "+349761111500",
        steps: [
          RingStepEntry(extensions: ["101", "102"], seconds: 20),
          RingStepEntry(extensions: ["102"], seconds: 40),
        ]),
    ]
    let snapshot = try compile(document)
    func rings(_ text: String) throws -> [[String]]? {
      let number = try #require(PhoneNumber(text))
      return snapshot.inbound(number)?.steps.map { $0.extensions.map(\.name) }
    }
    #expect(try rings("+34976111101") == [["Front desk"]])
    #expect(try rings("+34976111102") == [["Workshop"]])
    #expect(try rings("+34976111160") == nil)  // No extension 160.
    #expect(try rings("+349761111500") == [["Front desk", "Workshop"], ["Workshop"]])
    #expect(try rings("+34976111200") == nil)
    #expect(try rings("+34976111099") == nil)
  }

  @Test("P9: an extension shows its own direct number, and only numbers of the tenant")
  func callerID() throws {
    var document = officeDocument()
    var range = NumberEntry(first: "+34976111100", last: "+34976111199")
    range.lastDigits = 3
    document.tenants[0].numbers.append(range)
    document.tenants[0].callerID.number = "+34976111222"
    document.tenants[0].extensions.append(phone("2000", "Cellar"))
    document.tenants[0].extensions[0].callerID.allowed = ["+34976111150"]
    let lines = try compile(document).extensions
    #expect(
      lines.map { $0.callerID.number?.description } == [
        "+34976111222", "+34976111102", "+34976111222",
      ])
    let rule = lines[0].callerID
    #expect(rule.shown(for: PhoneNumber("+34976111150")) == PhoneNumber("+34976111150"))
    #expect(rule.shown(for: PhoneNumber("+34600000000")) == PhoneNumber("+34976111222"))
    #expect(rule.shown(for: nil) == PhoneNumber("+34976111222"))
  }

  @Test("P7: one device serves several extensions, and one extension has several devices")
  func sharedDevices() throws {
    var document = officeDocument()
    document.tenants[0].devices = [device("base", serving: ["101", "102"])]
    document.tenants[0].extensions[0].devices.append(device("mobile-101"))
    let snapshot = try compile(document)
    let names = snapshot.extensions.map { line in
      line.devices.compactMap { snapshot.device($0)?.name }.sorted()
    }
    #expect(names == [["101", "base", "mobile-101"], ["102", "base"]])
  }

  @Test("Trunks are known by their addresses, networks of both families included")
  func trunkSources() throws {
    var document = officeDocument()
    document.trunks[0].sources = ["192.0.2.0/24", "2001:db8::/33", "198.51.100.7"]
    let snapshot = try compile(document)
    func names(_ text: String) throws -> [String] {
      try snapshot.trunks(from: #require(IPAddress(text))).map(\.name)
    }
    for inside in [
      "192.0.2.1", "192.0.2.255", "2001:db8:7fff::1", "198.51.100.7", "::ffff:192.0.2.9",
    ] {
      #expect(try names(inside) == ["carrier"], "\(inside)")
    }
    for outside in ["192.0.3.1", "2001:db8:8000::1", "198.51.100.8", "127.0.0.1", "::"] {
      #expect(try names(outside) == [], "\(outside)")
    }
  }

  @Test("A trunk writes numbers in its own way, and reads them back")
  func numberFormats() throws {
    let number = try #require(PhoneNumber("+442079460000"))
    let home = try #require(PhoneNumber("+34976111222"))
    let spain = try #require(Region("ES").flatMap { CountryPlan($0) })
    let britain = try #require(Region("GB").flatMap { CountryPlan($0) })
    let cases: [(NumberFormat, String, String, String)] = [
      (.plus, "+442079460000", "+34976111222", "+442079460000"),
      (.e164, "442079460000", "34976111222", "442079460000"),
      (.international, "00442079460000", "0034976111222", "00442079460000"),
      (.national, "00442079460000", "976111222", "02079460000"),
    ]
    for (format, foreign, own, british) in cases {
      for (number, country, text) in [
        (number, spain, foreign), (home, spain, own), (number, britain, british),
      ] {
        let bytes = format.write(number, in: country)
        #expect(String(decoding: bytes, as: UTF8.self) == text)
        let read = format.read(bytes.span, in: country)
        #expect(read == number, "\(format) \(text)")
      }
    }
    for noise in ["anonymous", "", "+", "0", "*31#"] {
      let bytes = Array(noise.utf8)
      let read = NumberFormat.plus.read(bytes.span, in: spain)
      #expect(read == nil, "\(noise)")
    }
  }
}
