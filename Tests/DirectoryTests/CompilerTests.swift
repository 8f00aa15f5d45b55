import Directory
import Elements
import Numbering
import Testing

@Suite struct CompilerTests {
  @Test("A correct document compiles, and compiling it again gives the same ids")
  func identities() throws {
    var document = officeDocument()
    let first = try DirectoryCompiler.compile(&document, revision: 1)
    document.tenants[0].extensions.reverse()
    let second = try DirectoryCompiler.compile(&document, revision: 2)
    #expect(second.revision == 2)
    #expect(first.extensions.map(\.id) == second.extensions.map(\.id))
    #expect(first.extensions.map(\.digits) == second.extensions.map(\.digits))
    #expect(first.devices.map(\.id) == second.devices.map(\.id))
  }

  @Test("A name that is gone keeps its id, and no other name gets it")
  func idsAreNotReused() throws {
    var document = officeDocument()
    let old = try #require(try DirectoryCompiler.compile(&document, revision: 1).extensions.last)
    document.tenants[0].extensions.removeLast()
    document.tenants[0].extensions.append(phone("103", "New"))
    let changed = try DirectoryCompiler.compile(&document, revision: 2)
    #expect(!changed.extensions.map(\.id).contains(old.id))
    document.tenants[0].extensions.append(phone("102", "Back"))
    let back = try DirectoryCompiler.compile(&document, revision: 3)
    #expect(back.line(old.id)?.name == "Back")
  }

  @Test("A wrong document leaves the identities as they were")
  func unchangedOnErrors() throws {
    var document = officeDocument()
    document.tenants[0].country = "XX"
    let before = document
    #expect(throws: DirectoryProblems.self) {
      try DirectoryCompiler.compile(&document, revision: 1)
    }
    #expect(document == before)
  }

  /// A change to the office, and the one complaint it must lead to.
  struct Mistake: Sendable {
    let expected: String
    let make: @Sendable (inout DirectoryDocument) -> Void
  }

  private static func edge(_ change: (inout EdgeEntry) -> Void) -> EdgeEntry {
    var entry = EdgeEntry()
    change(&entry)
    return entry
  }

  private static let mistakes: [Mistake] = [
    Mistake(expected: "tenants → office → domain: another tenant has the domain \"OFFICE.example\"")
    {
      var other = TenantEntry(name: "office", domain: "OFFICE.example", country: "ES")
      other.name = "office"
      $0.tenants.append(other)
    },
    Mistake(
      expected:
        "tenants → office → extensions → 102 → number: there are two extensions 102; renumber one"
    ) {
      $0.tenants[0].extensions.append(ExtensionEntry(number: "102", name: ""))
    },
    Mistake(
      expected:
        "tenants → office → devices → 101 → username: another device of the tenant has the user name 101"
    ) { $0.tenants[0].devices = [device("101", serving: ["102"])] },
    Mistake(
      expected:
        "tenants → office → devices → base → extensions: the device serves no extension; name one"
    ) {
      $0.tenants[0].devices = [device("base")]
    },
    Mistake(
      expected:
        "tenants → office → numbers → +34976111200 → last: a range ends at or behind its first number, with as many digits"
    ) {
      $0.tenants[0].numbers.append(
        NumberEntry(first: "+34976111200", last: "+34976111100", steps: [step("101")]))
    },
    Mistake(
      expected:
        "tenants → office → numbers → +34976111222: +34976111222 belongs to tenant \"office\" already"
    ) {
      $0.tenants[0].numbers.append(
        NumberEntry(first: "+34976111200", last: "+34976111299", steps: [step("101")]))
    },
    Mistake(
      expected:
        "tenants → office → numbers → +2101234567 → number: \"+2101234567\" has no known country code"
    ) {
      $0.tenants[0].numbers.append(NumberEntry(first: "+2101234567", steps: [step("101")]))
    },
    Mistake(
      expected:
        "tenants → office → extensions → 101 → forwards → always: \"101\" is the extension itself"
    ) {
      $0.tenants[0].extensions[0].forwards.always = "101"
    },
    Mistake(
      expected:
        "tenants → office → extensions → 101 → forwards → busy: \"112\" is an emergency number; calls cannot be forwarded there"
    ) {
      $0.tenants[0].extensions[0].forwards.busy = "112"
    },
    Mistake(
      expected:
        "tenants → office → extensions → 101 → forwards → no_answer: \"109\" is neither an extension nor a number of the world"
    ) {
      $0.tenants[0].extensions[0].forwards.noAnswer = "109"
    },
    Mistake(
      expected:
        "tenants → office → extensions → 101 → forwards → not_registered: \"+34123\" is in no numbering plan"
    ) {
      $0.tenants[0].extensions[0].forwards.notRegistered = "+34123"
    },
    Mistake(
      expected:
        "tenants → office → caller_id → number: +34976999999 is not among the numbers of the tenant; add it there, "
        + "or to caller_id foreign if it is its own elsewhere"
    ) { $0.tenants[0].callerID.number = "+34976999999" },
    Mistake(
      expected:
        "tenants → office → destinations → allow → no. 1: \"44\" is neither a prefix such as \"+44\" nor a country such as GB"
    ) {
      $0.tenants[0].destinations.allow = ["44"]
    },
    Mistake(
      expected:
        "tenants → office → destinations → deny → no. 1: \"+44\" is allowed and denied; keep one"
    ) {
      $0.tenants[0].destinations.allow = ["+44"]
      $0.tenants[0].destinations.deny = ["+44"]
    },
    Mistake(
      expected:
        "tenants → office → rates → sell: rates \"retail\" are in PLN, the tenant pays in EUR"
    ) {
      $0.rates[0].currency = "PLN"
    },
    Mistake(
      expected:
        "tenants → office → trunks → no. 1: trunk \"carrier\" charges in PLN, the tenant pays in EUR"
    ) {
      $0.rates.append(RateEntry(name: "w", currency: "PLN", file: "w.csv", table: ""))
      $0.trunks[0].purchase = "w"
    },
    Mistake(
      expected:
        "tenants → office → currency: the limits of the platform and of trunks are in PLN and cannot count EUR"
    ) {
      $0.platform.currency = "PLN"
      $0.platform.limits.spend.dayMicros = 1_000_000
    },
    Mistake(
      expected:
        "tenants → office → extensions → 0102 → number: 0102 cannot be an extension: it begins with 0, which asks for an outside line"
    ) {
      $0.tenants[0].outsideLine = "0"
      $0.tenants[0].extensions.append(ExtensionEntry(number: "0102", name: ""))
    },
    Mistake(expected: "platform → edge → wrong_users: 1 is not from 2 to 24") {
      $0.platform.edge = edge { $0.wrongUsers = 1 }
    },
    Mistake(expected: "platform → edge → wrong_passwords: 25 is not from 3 to 24") {
      $0.platform.edge = edge { $0.wrongPasswords = 25 }
    },
    Mistake(expected: "platform → edge → probes: 4 is not from 5 to 24") {
      $0.platform.edge = edge { $0.probes = 4 }
    },
    Mistake(expected: "platform → edge → strangers_per_second: 99 is not from 100 to 100000") {
      $0.platform.edge = edge { $0.strangersPerSecond = 99 }
    },
    Mistake(expected: "platform → edge → calls_per_second: 0 is not from 1 to 1000") {
      $0.platform.edge = edge { $0.callsPerSecond = 0 }
    },
    Mistake(expected: "platform → edge → known_hours: 721 is not from 1 to 720") {
      $0.platform.edge = edge { $0.knownHours = 721 }
    },
    Mistake(
      expected: """
        platform → edge → ban_seconds: 604801 is not from 60 to 604800 seconds (7 days); to ban somebody for longer, \
        use `martinet bans add`
        """
    ) {
      $0.platform.edge = edge { $0.banSeconds = [300, 604_801] }
    },
    Mistake(
      expected: """
        platform → edge → ban_seconds: each ban is at least as long as the one before; put them in that order
        """
    ) {
      $0.platform.edge = edge { $0.banSeconds = [3_600, 300] }
    },
    Mistake(
      expected: """
        platform → edge → ban_seconds: expected 1 to 8 times in seconds; leave the key out for the usual ones
        """
    ) {
      $0.platform.edge = edge { $0.banSeconds = [] }
    },
    Mistake(expected: "tenants → office → session_timer → expires: 30 is not from 90 to 86400") {
      $0.tenants[0].sessionTimer.expires = 30
    },
    Mistake(expected: "tenants → office → session_timer → minimum: 100000 is not from 90 to 86400")
    {
      $0.tenants[0].sessionTimer.minimum = 100_000
      $0.tenants[0].sessionTimer.expires = 86_400
    },
    Mistake(
      expected:
        "trunks → carrier → sources → no. 1: \"192.0.2.0/33\" is neither an address nor a network such as 192.0.2.0/24"
    ) {
      $0.trunks[0].sources = ["192.0.2.0/33"]
    },
    Mistake(
      expected:
        "trunks → carrier → client_certificate: \"CN=carrier, O=x\" is no name that a certificate can prove; write its SIP domain, host name or address"
    ) {
      $0.trunks[0].clientCertificate = "CN=carrier, O=x"
    },
    Mistake(
      expected:
        "trunks → carrier → present_certificate: \"../keys\" is not the name of a folder in tls_folder; write letters, digits, - _ and ."
    ) {
      $0.trunks[0].presentCertificate = "../keys"
    },
    Mistake(
      expected:
        "trunks → carrier → present_certificate: certificates are shown over TLS only; add ;transport=tls to \"address\""
    ) {
      $0.trunks[0].address = "sip:192.0.2.50;transport=udp"
      $0.trunks[0].presentCertificate = "ours"
    },
    Mistake(expected: "trunks → carrier → name: there are two of trunk \"carrier\"; rename one") {
      $0.trunks.append($0.trunks[0])
    },
    Mistake(expected: "mail → from: \"a\r\nBcc: b@c.example\" is not a mail address") {
      $0.mail = MailEntry(server: "smtp://127.0.0.1", from: "a\r\nBcc: b@c.example")
    },
  ]

  @Test("Each mistake is found, and named by its field", arguments: mistakes.indices)
  func mistake(index: Int) {
    let mistake = Self.mistakes[index]
    var document = officeDocument()
    mistake.make(&document)
    let found = problems(of: document)
    #expect(found.contains(mistake.expected), "\(found)")
  }

  @Test("No mistake traps: numbers far out of range are told, not computed with")
  func extremes() {
    var document = officeDocument()
    document.tenants[0].sessionTimer = SessionTimerEntry()
    document.tenants[0].sessionTimer.minimum = .max
    document.tenants[0].extensions[0].ringSeconds = .min
    document.tenants[0].limits.spend.dayMicros = .max
    document.tenants[0].numbers[0].lastDigits = .max
    document.tenants[0].numbers[0].steps[0].seconds = .max
    document.trunks[0].channels = .min
    document.trunks[0].probeSeconds = .max
    document.trunks[0].timeoutMilliseconds = .min
    #expect(problems(of: document).count >= 7)
  }

  private static func step(_ number: String) -> RingStepEntry {
    RingStepEntry(extensions: [number], seconds: 30)
  }
}
