/// The most that something usually is: learned from each day's most, forgotten slowly.
struct Peak: Hashable, Sendable {
  /// What the days before have taught.
  private(set) var usual: Int64 = 0
  /// The most of the day that is not over.
  private(set) var today: Int64 = 0

  init() {}

  init(usual: Int64, today: Int64) {
    (self.usual, self.today) = (usual.clamped, today.clamped)
  }

  mutating func see(_ amount: Int64) { today = max(today, amount) }

  /// Days have gone by; a single one teaches no more than a part of what is usual and `growth`, so that nobody teaches a habit
  /// in a night.
  mutating func age(days: Int32, part: Int64, growth: Int64) {
    guard days > 0 else { return }
    let learned = min(today, (usual + usual / part + growth).clamped)
    for _ in 0..<min(days, 365) { usual -= usual / Self.life }
    (usual, today) = (max(usual, learned), 0)
  }

  /// Half is forgotten after six weeks.
  private static let life: Int64 = 64

  /// A person has said that this is usual.
  mutating func teach(_ amount: Int64) { usual = max(usual, amount.clamped) }
}
