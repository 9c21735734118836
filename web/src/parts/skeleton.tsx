/** Where something will be. What comes within a fifth of a second needs no sign that it is not there yet. */

export function Skeleton({ label, bones = 4 }: { label: string; bones?: number }) {
  return (
    <div class="skeleton" aria-busy="true" aria-label={label} role="status">
      {Array.from({ length: bones }, (_, i) => <div key={i} class="bone" />)}
    </div>
  );
}
