/// A growing array of plain values without bounds, uniqueness or exclusivity checks in release builds.
///
/// For the inner loops of the merge only; whoever holds one must call `free()` when done. Indexes are checked in debug builds.
struct RawVector<Element: BitwiseCopyable> {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 16) {
        self.capacity = max(capacity, 1)
        base = .allocate(capacity: self.capacity)
    }

    func free() { base.deallocate() }

    @inline(__always) subscript(_ index: Int) -> Element {
        get {
            assert(index >= 0 && index < count)
            return base[index]
        }
        nonmutating set {
            assert(index >= 0 && index < count)
            base[index] = newValue
        }
    }

    @inline(__always) mutating func append(_ value: Element) {
        if count == capacity { grow(to: count + 1) }
        base[count] = value
        count += 1
    }

    /// Adds room for `n` values and returns the position of the first; the caller fills them.
    @inline(__always) mutating func extend(by n: Int) -> Int {
        if count + n > capacity { grow(to: count + n) }
        defer { count += n }
        return count
    }

    @inline(never) private mutating func grow(to needed: Int) {
        capacity = max(needed, capacity + capacity / 2 + 64)
        let bigger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        bigger.update(from: base, count: count)
        base.deallocate()
        base = bigger
    }

    mutating func removeAll() { count = 0 }

    /// Gives the memory back to its smallest size.
    mutating func reset() {
        base.deallocate()
        capacity = 16
        count = 0
        base = .allocate(capacity: capacity)
    }
}

/// Multiply-and-fold mixing of two words.
@inline(__always) func mixed(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = (a ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: b ^ 0xA076_1D64_78BD_642F)
    return product.high ^ product.low
}
