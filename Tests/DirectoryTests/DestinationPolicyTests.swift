import Directory
import Numbering
import Testing

@Suite struct DestinationPolicyTests {
  private func verdict(
    _ number: String, _ policy: DestinationPolicy, from home: String = "ES"
  ) throws -> String {
    let number = try #require(PhoneNumber(number))
    let country = try #require(Region(home).flatMap { CountryPlan($0) })
    let facts = number.facts
    let outside = OutsideNumber(
      number: number, kind: facts.kind, region: facts.region,
      isInternational: number.isInternational(from: country, facts: facts))
    return switch policy.verdict(on: outside) {
    case .allow: "allow"
    case .deny(let reason): "\(reason)"
    }
  }

  private func policy(_ change: (inout DestinationEntry) -> Void) -> DestinationPolicy {
    var entry = DestinationEntry()
    change(&entry)
    return .safe.overridden(by: entry)
  }

  @Test(
    "G6: by default premium, satellite, personal and unallocated numbers and other countries are closed"
  )
  func safe() throws {
    #expect(try verdict("+34976111222", .safe) == "allow")
    #expect(try verdict("+34612345678", .safe) == "allow")
    #expect(try verdict("+34900123456", .safe) == "allow")
    #expect(try verdict("+34803123456", .safe) == "premium numbers are closed")
    #expect(try verdict("+881612345678", .safe) == "satellite numbers are closed")
    #expect(try verdict("+979123456789", .safe) == "premium numbers are closed")
    #expect(try verdict("+34123456789", .safe) == "the number is in no numbering plan")
    #expect(try verdict("+442079460000", .safe) == "calls to other countries are closed")
    #expect(try verdict("+447012345678", .safe) == "personal numbers are closed")
  }

  @Test("G6: a prefix opens its country, and its premium numbers only when it names their range")
  func prefixes() throws {
    let open = policy {
      $0.allow = ["+44"]; $0.deny = ["+882"]
    }
    #expect(try verdict("+442079460000", open) == "allow")
    #expect(try verdict("+449098790879", open) == "premium numbers are closed")
    #expect(try verdict("+440000000000", open) == "the number is in no numbering plan")
    #expect(try verdict("+8821612345", open) == "numbers with +882 are closed")
    #expect(try verdict("+33142345678", open) == "calls to other countries are closed")
    let range = policy { $0.allow = ["+44909"] }
    #expect(try verdict("+449098790879", range) == "allow")
    let satellite = policy { $0.allow = ["+881"] }
    #expect(try verdict("+881612345678", satellite) == "allow")
  }

  @Test("The longest prefix wins, a country comes behind prefixes")
  func longestPrefix() throws {
    let mixed = policy {
      $0.international = .allow
      $0.deny = ["+44", "FR"]
      $0.allow = ["+4420", "+331"]
    }
    #expect(try verdict("+442079460000", mixed) == "allow")
    #expect(try verdict("+441612345678", mixed) == "numbers with +44 are closed")
    #expect(try verdict("+33142345678", mixed) == "allow")
    #expect(try verdict("+33242345678", mixed) == "calls to FR are closed")
    #expect(try verdict("+4930123456", mixed) == "allow")
  }

  @Test(
    "F32: a country inside a shared plan is opened by its own name, not by its calling code alone")
  func sharedPlans() throws {
    let canada = policy { $0.allow = ["CA"] }
    #expect(try verdict("+16045551234", canada, from: "US") == "allow")
    #expect(
      try verdict("+18092345678", canada, from: "US") == "calls to other countries are closed")
  }

  @Test("What an extension sets wins over its tenant, both ways")
  func extensions() throws {
    let tenant = policy {
      $0.international = .allow; $0.classes["premium"] = .deny
    }
    var entry = DestinationEntry()
    entry.international = .deny
    let closed = tenant.overridden(by: entry)
    #expect(try verdict("+442079460000", tenant) == "allow")
    #expect(try verdict("+442079460000", closed) == "calls to other countries are closed")
    entry = DestinationEntry()
    entry.classes["premium"] = .allow
    #expect(try verdict("+34803123456", tenant.overridden(by: entry)) == "allow")
  }

  @Test(
    "What an extension closes is closed, whatever its tenant opens within it; what it opens itself is open"
  )
  func nearestDenial() throws {
    let tenant = policy {
      $0.allow = ["+4420", "+33", "GB", "+346"]; $0.deny = ["+44700"]
    }
    func closed(_ change: (inout DestinationEntry) -> Void) -> DestinationPolicy {
      var entry = DestinationEntry()
      change(&entry)
      return tenant.overridden(by: entry)
    }
    let (london, paris, mobile) = ("+442079460000", "+33142345678", "+34612345678")
    for number in [london, paris, mobile] { #expect(try verdict(number, tenant) == "allow") }
    #expect(try verdict(london, closed { $0.deny = ["+44"] }) == "numbers with +44 are closed")
    #expect(try verdict(london, closed { $0.deny = ["GB"] }) == "calls to GB are closed")
    #expect(
      try verdict(london, closed { $0.international = .deny })
        == "calls to other countries are closed")
    #expect(
      try verdict(paris, closed { $0.international = .deny })
        == "calls to other countries are closed")
    #expect(
      try verdict(mobile, closed { $0.classes["mobile"] = .deny }) == "mobile numbers are closed")
    #expect(
      try verdict(
        london,
        closed {
          $0.deny = ["+44"]; $0.allow = ["+442079"]
        }) == "allow")
    #expect(
      try verdict(
        paris,
        closed {
          $0.international = .deny; $0.allow = ["FR"]
        }) == "allow")
    // A country that it opens does not open a class that it closes there, whatever range its tenant opens.
    let range = policy { $0.allow = ["+44909"] }
    for allowed in ["GB", "+44"] {
      var entry = DestinationEntry()
      (entry.allow, entry.classes["premium"]) = ([allowed], .deny)
      #expect(
        try verdict("+449098790879", range.overridden(by: entry)) == "premium numbers are closed")
      #expect(try verdict(london, range.overridden(by: entry)) == "allow")
    }
    // Nor does it open by a wide prefix what its tenant closes within that.
    #expect(
      try verdict("+447001234567", closed { $0.allow = ["+44"] }) != "allow")
  }

  private func openings(_ policy: DestinationPolicy) -> [String] {
    policy.openings.map { "\($0)\($0.isCostly ? " costly" : "")" }
  }

  @Test(
    "What a policy opens is what the safe one closes, and what thieves are paid for is told apart")
  func openings() {
    #expect(openings(.safe) == [])
    var entry = DestinationEntry()
    (entry.international, entry.classes) = (.allow, ["premium": .allow, "mobile": .allow])
    (entry.allow, entry.deny) = (["GB", "+882", "+34976", "FR"], ["+252"])
    let tenant = DestinationPolicy.safe.overridden(by: entry)
    let all = ["premium costly", "international", "FR", "GB", "+34976", "+882 costly"]
    #expect(openings(tenant) == all)
    // What an extension closes is not open, whatever its tenant opens; what it opens itself is.
    var own = DestinationEntry()
    (own.international, own.classes, own.allow) = (.deny, ["premium": .deny], ["DE"])
    #expect(openings(tenant.overridden(by: own)) == ["DE"])
    own.international = nil
    #expect(
      openings(tenant.overridden(by: own)) == [
        "international", "DE", "FR", "GB", "+34976", "+882 costly",
      ])
  }
}
