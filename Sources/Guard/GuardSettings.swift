import Elements

/// What the guard takes for too much; the defaults are for a server on the open internet.
package struct GuardSettings: Hashable, Sendable {
  // MARK: Offences

  /// How long an offence counts.
  package var window: Duration = .seconds(600)
  /// Different users with wrong credentials, up to 24 as all of these.
  package var wrongUsers = 5
  /// Different wrong responses for one user.
  package var wrongPasswords = 10
  /// Different targets asked for: domains that are not ours, users at our address, users by OPTIONS.
  package var probes = 20
  package var malformed = 20
  /// Tries on users that are closed to their source; no phone asks that often.
  package var persistence = Rate(every: .seconds(1), burst: 60)
  /// How long a ban lasts: the first, the second …; the last for all that follow.
  package var ladder: [Duration] = [
    .seconds(300), .seconds(3_600), .seconds(86_400), .seconds(604_800),
  ]
  /// No step is longer: peers take no longer listings (``SharingRules/longest``).
  static let longestStep = Duration.seconds(604_800)
  /// After so long without a ban the next one is a rung lower.
  package var decay: Duration = .seconds(604_800)
  /// Who is closed may prove himself so often: a phone whose password was mended gets in.
  package var secondChance = Rate(every: .seconds(60), burst: 1)
  /// The same where this user has proven himself from there within a day.
  package var secondChanceOfKnown = Rate(every: .seconds(5), burst: 4)
  /// Addresses that guess at one user, after which strangers are rarely looked at.
  package var besiegers = 20
  /// Wrong responses for one user from where he is not known, after which it is the same however few addresses they are from.
  package var guessesOfUser = Rate(every: .seconds(10), burst: 60)
  package var strangersOfUser = Rate(every: .seconds(5), burst: 2)
  /// Users that are new at a known neighbourhood where somebody guesses: nobody is banned there, so few are looked at.
  package var newcomersOfPlace = Rate(every: .seconds(5), burst: 20)
  /// Offences from 24 bits of IPv4 or 48 bits of IPv6, however few from each neighbourhood.
  package var nearby = Rate(every: .seconds(6), burst: 100)

  // MARK: Budgets of those who have proven nothing yet

  /// From one IPv4 address or 64 bits of IPv6.
  package var source = Rate(perSecond: 50, burst: 200)
  /// The same where a phone has registered within a day: an office that switches on in the morning.
  package var knownSource = Rate(perSecond: 400, burst: 4_000)
  /// The same where somebody behind such an address misbehaves.
  package var watchedSource = Rate(perSecond: 20, burst: 400)
  /// From 24 bits of IPv4 or 48 bits of IPv6.
  package var neighbours = Rate(perSecond: 500, burst: 2_000)
  /// From everywhere of one family; datagrams, whose senders may be forged, and streams each have as much.
  package var everybody = Rate(perSecond: 4_000, burst: 8_000)
  /// On one flow of somebody known, who may be a whole exchange.
  package var friend = Rate(perSecond: 2_000, burst: 10_000)
  /// Calls that one account may begin; above it, 503 with Retry-After.
  package var callsOfAccount = Rate(perSecond: 20, burst: 200)

  // MARK: Bounds of memory

  /// Sources whose offences and budgets are kept, in each of two generations.
  package var sources = 20_000
  package var bans = 100_000
  /// Networks that are banned for what others say.
  package var listed = 100_000
  /// Flows and addresses of those who have proven themselves, in each of two generations.
  package var friends = 200_000
  /// Of these, what one tenant's phones can fill of a generation in which there are twice as many.
  package var flowsOfTenant = 50_000
  package var placesOfTenant = 12_500
  /// How long whom we have asked something may speak without a budget.
  package var expectation: Duration = .seconds(7_200)
  /// How long a good registration speaks for its address.
  package var friendship: Duration = .seconds(86_400)
  /// It is never longer.
  static let longestFriendship = Duration.seconds(720 * 3_600)

  package init() {}
}
