# A small repository for release_notes.yaml: two releases' worth of commits, by fixed people at fixed times.
set -eu
mkdir -p shop && cd shop
git init -q -b main .
git config user.name Ada && git config user.email ada@example.org
commit() {
  echo "$2" >> "$1" && git add "$1"
  GIT_AUTHOR_DATE="$3" GIT_COMMITTER_DATE="$3" git commit -q -m "$2"
}
commit prices.txt "feat: prices in three currencies" 2026-04-01T10:00:00Z
git tag v1.0
commit cart.txt "feat: the cart is kept for a week" 2026-04-09T10:00:00Z
commit cart.txt "fix: the sum of an empty cart is 0" 2026-04-10T10:00:00Z
commit notes.txt "chore: newer linter" 2026-04-11T10:00:00Z
commit prices.txt "feat!: prices are in cents" 2026-04-12T10:00:00Z
