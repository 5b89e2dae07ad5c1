# SPDX-License-Identifier: MIT
"""Choosing language and theme in the menu; both are remembered."""

from __future__ import annotations

from bootmenu import i18n
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.menu_defaults import MenuDefaults
from bootmenu.i18n import N_, _
from bootmenu.model.value import replace


class MenuLook(MenuDefaults):
    """Asks for the language and the theme, and applies them at once."""

    def action_look(self) -> None:
        """Ask for the language, or whether to choose a theme."""
        if self._state_store is None:
            self._show_message(_("One moment, please."))
            return
        names = i18n.names()
        now = i18n.language()
        languages = [name + (f" ({_('now')})" if code == now else "") for code, name in names.items()]
        themes = [_("Choose a theme")] if self.context.depth.has_colours else []
        screen = ChoiceScreen(self.context, _("Language"), (), (_("Leave it as it is"), *languages, *themes))
        self.app.push_screen(screen, lambda answer: self._look_chosen(list(names), answer or 0))

    def _look_chosen(self, codes: list[str], answer: int) -> None:
        if answer > len(codes):
            self._ask_for_theme()
        elif answer:
            code = codes[answer - 1]
            i18n.switch(code)
            self.app.redraw_texts()  # type: ignore[attr-defined]
            message = N_("language: {name}", name=i18n.names()[code])
            self._change_state(lambda state: replace(state, language=code), message)

    def _ask_for_theme(self) -> None:
        from bootmenu.frontends.tui import themes

        found = [each for each in themes.theme_files() if not each.error]
        now = self.app.theme_name  # type: ignore[attr-defined]
        texts = [
            f"{each.name}: {each.description}" + (f" ({_('now')})" if each.name == now else "") for each in found
        ]
        screen = ChoiceScreen(
            self.context, _("Theme"), (), (_("Leave it as it is"), _("By the terminal's colours"), *texts)
        )
        names = [None, *(each.name for each in found)]
        self.app.push_screen(screen, lambda answer: self._use_theme(names[answer - 1]) if answer else None)

    def _use_theme(self, name: str | None) -> None:
        self.app.use_theme(name)  # type: ignore[attr-defined]
        message = N_("theme: {name}", name=name) if name else N_("the theme follows the terminal's colours")
        self._change_state(lambda state: replace(state, theme=name), message)

    def redraw_texts(self) -> None:
        """Redraw everything in the language that is in use now."""
        self._language = i18n.language()
        self._message = ""
        self._list.forget()
        self.draw_results()
        self._rows.refresh()  # the words of its rows have changed, and not the rows
        super().redraw_texts()
        self._draw_rules()
